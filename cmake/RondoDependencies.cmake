# What Debian ships no CMake package for is found by pkg-config or by its header.
find_package(Threads REQUIRED)
find_package(absl REQUIRED)
find_package(Protobuf REQUIRED)
find_package(ZLIB REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(CARES REQUIRED IMPORTED_TARGET libcares)
find_path(ASIO_INCLUDE_DIR asio.hpp REQUIRED)

add_library(rondo_asio INTERFACE)
target_include_directories(rondo_asio SYSTEM INTERFACE $<BUILD_INTERFACE:${ASIO_INCLUDE_DIR}>)
# This Asio looks for clang's coroutines where they were before C++20.
target_compile_definitions(rondo_asio INTERFACE ASIO_STANDALONE ASIO_NO_DEPRECATED
  $<$<CXX_COMPILER_ID:Clang>:ASIO_HAS_CO_AWAIT ASIO_HAS_STD_COROUTINE>)
target_link_libraries(rondo_asio INTERFACE Threads::Threads)
add_library(rondo_cares INTERFACE)
target_link_libraries(rondo_cares INTERFACE PkgConfig::CARES)

if(RONDO_TESTS OR RONDO_FUZZ OR RONDO_BENCH)  # What ours is tried against; the library has none of it.
  pkg_check_modules(NGHTTP2 REQUIRED IMPORTED_TARGET libnghttp2)
  add_library(rondo_nghttp2 INTERFACE)
  target_link_libraries(rondo_nghttp2 INTERFACE PkgConfig::NGHTTP2)
endif()
if(RONDO_TESTS)
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()
