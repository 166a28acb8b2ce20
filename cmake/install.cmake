# SPDX-License-Identifier: MIT
# What `cmake --install` puts where: headers, programs, the CMake package.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/mpar)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/mpar DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILES_MATCHING PATTERN "*.hpp" PATTERN "*.cuh")
install(TARGETS mpar EXPORT mparTargets)
install(EXPORT mparTargets NAMESPACE mpar:: DESTINATION ${package_dir})

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/mparConfig.cmake.in ${PROJECT_BINARY_DIR}/mparConfig.cmake
    INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/mparConfigVersion.cmake
    COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/mparConfig.cmake ${PROJECT_BINARY_DIR}/mparConfigVersion.cmake
    ${PROJECT_SOURCE_DIR}/cmake/mparDependencies.cmake DESTINATION ${package_dir})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

get_property(programs GLOBAL PROPERTY MPAR_PROGRAMS)
if(programs)
    install(TARGETS ${programs} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
