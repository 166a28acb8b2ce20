// SPDX-License-Identifier: MIT
// A reference to something callable, for the length of a call: keeps closures out of symbols.
#pragma once

#include <type_traits>
#include <utility>

namespace mpar {

template <class Signature>
class function_ref;

/// Does not own what it refers to. requires: the callable, an object, outlives it.
template <class Result, class... Arguments>
class function_ref<Result(Arguments...)> {
public:
    template <class Callable>
    requires(!std::is_same_v<std::remove_cvref_t<Callable>, function_ref> &&
             std::is_object_v<std::remove_reference_t<Callable>> &&
             !std::is_pointer_v<std::remove_cvref_t<Callable>>) function_ref(Callable&& callable)
        : object_(const_cast<void*>(static_cast<const void*>(&callable))),
          call_(&invoke<std::remove_reference_t<Callable>>) {}

    /// A function itself, which is no object.
    function_ref(Result (*function)(Arguments...))
        : object_(reinterpret_cast<void*>(function)), call_(&invoke_function) {}

    Result operator()(Arguments... arguments) const {
        return call_(object_, std::forward<Arguments>(arguments)...);
    }

private:
    template <class Callable>
    static Result invoke(void* object, Arguments... arguments) {
        return (*static_cast<Callable*>(object))(std::forward<Arguments>(arguments)...);
    }

    static Result invoke_function(void* function, Arguments... arguments) {
        return reinterpret_cast<Result (*)(Arguments...)>(function)(
            std::forward<Arguments>(arguments)...);
    }

    void* object_;
    Result (*call_)(void*, Arguments...);
};

}  // namespace mpar
