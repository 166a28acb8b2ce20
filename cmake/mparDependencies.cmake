# SPDX-License-Identifier: MIT
# What mpar::mpar needs, and its optional parts where their libraries exist. Read by the build and by the installed package.
#
#   mpar::weights   files of machines and policies (JSON): nlohmann_json; weights themselves need nothing
#   mpar::images    JPEG, PNG and BMP files: libjpeg, libpng; WebP and TIFF too where there are libwebp and libtiff (4.5)

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
find_package(TIFF 4.5 QUIET)  # the first whose errors are a file's own, not the process's
find_path(MPAR_WEBP_INCLUDE webp/demux.h)
find_library(MPAR_WEBP_LIBRARY webp)
find_library(MPAR_WEBPDEMUX_LIBRARY webpdemux)
mark_as_advanced(MPAR_WEBP_INCLUDE MPAR_WEBP_LIBRARY MPAR_WEBPDEMUX_LIBRARY)
if(TARGET JPEG::JPEG AND TARGET PNG::PNG AND NOT TARGET mpar::images)
    add_library(mpar::images INTERFACE IMPORTED GLOBAL)
    target_link_libraries(mpar::images INTERFACE mpar::mpar JPEG::JPEG PNG::PNG)
    if(TARGET TIFF::TIFF)
        target_compile_definitions(mpar::images INTERFACE MPAR_HAVE_TIFF=1)
        target_link_libraries(mpar::images INTERFACE TIFF::TIFF)
    endif()
    if(MPAR_WEBP_INCLUDE AND MPAR_WEBP_LIBRARY AND MPAR_WEBPDEMUX_LIBRARY)
        target_compile_definitions(mpar::images INTERFACE MPAR_HAVE_WEBP=1)
        target_include_directories(mpar::images INTERFACE ${MPAR_WEBP_INCLUDE})
        target_link_libraries(mpar::images INTERFACE ${MPAR_WEBPDEMUX_LIBRARY} ${MPAR_WEBP_LIBRARY})
    endif()
endif()
