# SPDX-License-Identifier: MIT
# How our own programs, examples, tests and benchmarks are compiled, and how a command runs on some ranks.

if(PROJECT_IS_TOP_LEVEL)
    find_program(MPAR_CCACHE ccache)
    if(MPAR_CCACHE AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
        set(CMAKE_CXX_COMPILER_LAUNCHER ${MPAR_CCACHE})
    endif()
    set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
endif()

# What every one of them has; never seen by a user of the library.
add_library(mpar_development INTERFACE)
target_link_libraries(mpar_development INTERFACE mpar)
foreach(part weights images)
    if(TARGET mpar::${part})
        target_link_libraries(mpar_development INTERFACE mpar::${part})
    endif()
endforeach()
target_compile_options(mpar_development INTERFACE -Wall -Wextra -Wpedantic -Wshadow
    $<$<BOOL:${MPAR_WERROR}>:-Werror> $<$<BOOL:${MPAR_NATIVE}>:-march=native>)
if(MPAR_SANITIZE)
    # -Wmaybe-uninitialized: gcc warns of its own instrumentation, also inside <regex>
    set(sanitize -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_compile_options(mpar_development INTERFACE ${sanitize} $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
    target_link_options(mpar_development INTERFACE ${sanitize})
endif()

# A program of the project: build/<preset>/bin/NAME, installed to bin/.
function(mpar_program name source)
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE mpar_development ${ARGN})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
    set_property(GLOBAL APPEND PROPERTY MPAR_PROGRAMS ${name})
endfunction()

# mpar_marks(FILE): what a source says of its own test, in lines of its own such as
#   // ranks: 1 2 3 4      run by mpirun on so many ranks, once each (no such line: run plainly)
#   // label: long         a label for ctest -L
#   // timeout: 300        seconds, of each run
#   // sanitize: no        not under the asan preset
#   // program: own        a program of its own, not its folder's; later: one that is built when its test runs
#   // isa: native avx2    of the builds that repeat tests for another ISA or compiler, only in these
# Sets ranks, label, timeout and the others in the caller. A shell script has # for //.
macro(mpar_marks file)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    foreach(mark ranks label timeout sanitize processors program isa)
        unset(${mark})
        file(STRINGS ${file} mark_line REGEX "^(//|#) ${mark}: " LIMIT_COUNT 1)
        if(mark_line)
            string(REGEX REPLACE "^(//|#) ${mark}: *" "" ${mark} "${mark_line}")
            string(REGEX REPLACE "[ ,]+" ";" ${mark} "${${mark}}")
        endif()
    endforeach()
endmacro()

# A test that hangs is ended after some times the seconds that it says of itself, which are those of an idle machine.
set(MPAR_TEST_PATIENCE 4 CACHE STRING "Factor of every test's time limit; more for a machine that is busy")

# In a name of ctest: the asan preset's tests stand beside the release preset's in one run.
set(MPAR_TEST_PREFIX "" CACHE STRING "Begins every test's name")
set(MPAR_REAL_DATA ${PROJECT_SOURCE_DIR}/real_data)

# mpirun's own banners say less than the test; more ranks than cores are normal here.
set(launcher_options)
if(PROJECT_IS_TOP_LEVEL)
    execute_process(COMMAND ${MPIEXEC_EXECUTABLE} --version OUTPUT_VARIABLE launcher_version ERROR_QUIET)
    if(launcher_version MATCHES "Open MPI|OpenRTE|PRRTE")
        set(launcher_options -q --oversubscribe)
    endif()
endif()

# mpar_ctest(NAME COMMAND c... [RANKS n] [TIMEOUT s] [LABELS l...] [NEEDS fixture] [PROCESSORS p] [SERIAL])
function(mpar_ctest name)
    cmake_parse_arguments(PARSE_ARGV 1 test "SERIAL" "RANKS;TIMEOUT;PROCESSORS;NEEDS" "COMMAND;LABELS")
    set(launch)
    if(test_RANKS)
        set(launch ${MPIEXEC_EXECUTABLE})
        list(APPEND launch ${launcher_options} ${MPIEXEC_NUMPROC_FLAG} ${test_RANKS})
    endif()
    if(NOT test_TIMEOUT)
        set(test_TIMEOUT 120)
    endif()
    math(EXPR test_TIMEOUT "${test_TIMEOUT} * ${MPAR_TEST_PATIENCE}")
    if(NOT test_PROCESSORS)
        set(test_PROCESSORS 1)
        if(test_RANKS)
            set(test_PROCESSORS ${test_RANKS})
        endif()
    endif()
    set(environment
        OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1   # containers are root
        OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
        OMPI_MCA_btl_vader_single_copy_mechanism=none               # containers forbid process_vm_readv
        OMPI_MCA_hwloc_base_binding_policy=none                     # several jobs at a time share the cores
        MPAR_TEST_DEADLINE=${test_TIMEOUT})
    if(MPAR_SANITIZE)
        # use_tls=0: a search for leaks that looks at threads' own variables reads those of MPI's modules, closed by then
        list(APPEND environment MPAR_TEST_SHORT=1 LSAN_OPTIONS=use_tls=0)
    endif()
    if(EXISTS ${MPAR_REAL_DATA})
        list(APPEND environment MPAR_REAL_DATA=${MPAR_REAL_DATA})
    endif()
    math(EXPR outer "${test_TIMEOUT} + 30")  # the test's own watchdog speaks first
    add_test(NAME ${MPAR_TEST_PREFIX}${name} COMMAND ${launch} ${test_COMMAND})
    set_tests_properties(${MPAR_TEST_PREFIX}${name} PROPERTIES ENVIRONMENT "${environment}" TIMEOUT ${outer}
        PROCESSORS ${test_PROCESSORS} LABELS "${test_LABELS}" SKIP_RETURN_CODE 77)
    if(test_NEEDS)
        set_tests_properties(${MPAR_TEST_PREFIX}${name} PROPERTIES FIXTURES_REQUIRED ${test_NEEDS})
    endif()
    if(test_SERIAL)
        set_tests_properties(${MPAR_TEST_PREFIX}${name} PROPERTIES RUN_SERIAL ON)
    endif()
endfunction()

# Builds that repeat tests, for another ISA or under sanitizers, need not repeat them on each number of ranks.
set(MPAR_TEST_RANKS "" CACHE STRING "Numbers of ranks that tests run on, of those that they name; empty: all of them")

# mpar_numbers_of_ranks(NAMED...): sets `numbers` to those to run on: the chosen ones, and one above 1 where any is named.
macro(mpar_numbers_of_ranks)
    set(numbers ${ARGN})
    if(MPAR_TEST_RANKS)
        set(numbers)
        foreach(n ${ARGN})
            if(n IN_LIST MPAR_TEST_RANKS)
                list(APPEND numbers ${n})
            endif()
        endforeach()
        if("${numbers}" STREQUAL "" OR "${numbers}" STREQUAL "1")
            foreach(n ${ARGN})
                if(n GREATER 1)
                    list(APPEND numbers ${n})
                    break()
                endif()
            endforeach()
        endif()
    endif()
endmacro()

# mpar_ctest_on_ranks(NAME COMMAND c... [LABELS l...] [NEEDS fixture]): as `ranks` and `timeout` say.
macro(mpar_ctest_on_ranks name)
    if(NOT ranks)
        mpar_ctest(${name} ${ARGN} TIMEOUT "${timeout}" PROCESSORS "${processors}")
    endif()
    mpar_numbers_of_ranks(${ranks})
    foreach(n IN LISTS numbers)
        mpar_ctest(${name}.${n} RANKS ${n} ${ARGN} TIMEOUT "${timeout}" PROCESSORS "${processors}")
    endforeach()
endmacro()
