# Installs the library, its headers, the generator, a CMake package and rondo.pc.
include(CMakePackageConfigHelpers)

install(TARGETS rondo rondo_testing_kit protoc-gen-rondo EXPORT rondoTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY include/rondo DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
set(RONDO_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/rondo)
install(EXPORT rondoTargets NAMESPACE rondo:: DESTINATION ${RONDO_CMAKE_DIR})
configure_package_config_file(cmake/rondoConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/rondoConfig.cmake
  INSTALL_DESTINATION ${RONDO_CMAKE_DIR})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/rondoConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/rondoConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/rondoConfigVersion.cmake cmake/RondoGenerate.cmake
  DESTINATION ${RONDO_CMAKE_DIR})
file(RELATIVE_PATH RONDO_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/rondo.pc.in ${CMAKE_CURRENT_BINARY_DIR}/rondo.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/rondo.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
