# SPDX-License-Identifier: MIT
# What mpar::mpar needs, and its optional parts where their libraries exist. Read by the build and by the installed package.
#
#   mpar::weights   files of machines and policies (JSON): nlohmann_json; weights themselves need nothing
#   mpar::images    JPEG and PNG files: libjpeg, libpng

if(NOT DEFINED MPI_CXX_SKIP_MPICXX)
    set(MPI_CXX_SKIP_MPICXX ON)  # MPI's old C++ bindings are not used
endif()
if(NOT TARGET MPI::MPI_CXX)
    find_package(MPI REQUIRED COMPONENTS CXX)
endif()

find_package(nlohmann_json 3 QUIET)
if(TARGET nlohmann_json::nlohmann_json AND NOT TARGET mpar::weights)
    add_library(mpar::weights INTERFACE IMPORTED GLOBAL)
    target_link_libraries(mpar::weights INTERFACE mpar::mpar nlohmann_json::nlohmann_json)
endif()

find_package(JPEG QUIET)
find_package(PNG QUIET)
if(TARGET JPEG::JPEG AND TARGET PNG::PNG AND NOT TARGET mpar::images)
    add_library(mpar::images INTERFACE IMPORTED GLOBAL)
    target_link_libraries(mpar::images INTERFACE mpar::mpar JPEG::JPEG PNG::PNG)
endif()
