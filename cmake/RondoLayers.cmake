# Compiler settings that every target of ours has.
function(rondo_target name)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
  target_compile_definitions(${name} PRIVATE RONDO_VERSION="${PROJECT_VERSION}")
  target_compile_options(${name} PRIVATE -Wall -Wextra -Wshadow
    $<$<BOOL:${RONDO_WERROR}>:-Werror>
    $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>  # A false alarm of g++ 12 on "text" + string (GCC bug 105651).
    $<$<CXX_COMPILER_ID:Clang>:-Wno-missing-field-initializers>)
  if(RONDO_SANITIZE)
    # -Wtsan: fences between atomics, which the thread sanitizer doesn't model; no data stands behind them.
    target_compile_options(${name} PRIVATE -fsanitize=${RONDO_SANITIZE} -fno-sanitize-recover=all
                                           -fno-omit-frame-pointer $<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
    target_compile_definitions(${name} PRIVATE RONDO_SANITIZED)
    target_link_options(${name} PRIVATE -fsanitize=${RONDO_SANITIZE})
  endif()
  if(RONDO_FUZZ)
    target_compile_options(${name} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()

# With RONDO_UNITY some sources are compiled together: a third of the time, for builds from nothing;
# release builds compile each file alone. Names in a layer's unnamed namespaces are therefore told apart.
function(rondo_unity name)
  set_target_properties(${name} PROPERTIES UNITY_BUILD "${RONDO_UNITY}" UNITY_BUILD_BATCH_SIZE 8)
  if(RONDO_UNITY AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${name} PRIVATE -Wno-subobject-linkage)  # Every unnamed namespace is "included" here.
  endif()
endfunction()

# rondo_layer(NAME DEPS layer... LIBS library... TEST_LIBS library...): src/NAME as an object library,
# its *_test.cc as NAME_test. DEPS are named in full, not only the direct ones.
function(rondo_layer name)
  cmake_parse_arguments(L "" "" "DEPS;LIBS;TEST_LIBS" ${ARGN})
  file(GLOB_RECURSE all CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.cc)
  set(tests ${all})
  list(FILTER all EXCLUDE REGEX "_test\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  if(NOT all)
    return()
  endif()
  add_library(rondo_${name} OBJECT ${all})
  rondo_unity(rondo_${name})
  rondo_target(rondo_${name})
  target_link_libraries(rondo_${name} PUBLIC ${L_LIBS})
  foreach(dep ${L_DEPS})
    if(TARGET rondo_${dep})
      get_target_property(libs rondo_${dep} INTERFACE_LINK_LIBRARIES)
      if(libs)
        target_link_libraries(rondo_${name} PUBLIC ${libs})
      endif()
    endif()
  endforeach()
  if(RONDO_TESTS AND tests)
    rondo_test(${name}_test SOURCES ${tests} LAYERS ${L_DEPS} ${name} LIBS ${L_TEST_LIBS})
  endif()
endfunction()

# rondo_test(NAME SOURCES file... LAYERS layer... LIBS library...)
function(rondo_test name)
  cmake_parse_arguments(T "" "" "SOURCES;LAYERS;LIBS" ${ARGN})
  add_executable(${name} ${T_SOURCES})
  rondo_target(${name})
  if(T_LAYERS)
    rondo_unity(${name})
  endif()
  foreach(layer ${T_LAYERS})
    if(TARGET rondo_${layer})
      target_link_libraries(${name} PRIVATE rondo_${layer})
    endif()
  endforeach()
  target_link_libraries(${name} PRIVATE ${T_LIBS} GTest::gmock GTest::gtest_main)
  if(NOT RONDO_SANITIZE)
    gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 300)
    return()
  endif()
  # A process for each test would take most of a sanitizer's time.
  set(shards 8)
  foreach(shard RANGE 1 ${shards})
    math(EXPR index "${shard} - 1")
    add_test(NAME ${name}.${shard} COMMAND ${name} --gtest_brief=1)
    set_tests_properties(${name}.${shard} PROPERTIES TIMEOUT 600
      ENVIRONMENT "GTEST_TOTAL_SHARDS=${shards};GTEST_SHARD_INDEX=${index}")
  endforeach()
endfunction()

# What users' tests link beside it: rondo::testing.
function(rondo_testing_library)
  add_library(rondo_testing_kit STATIC $<TARGET_OBJECTS:rondo_testing>)
  add_library(rondo::testing ALIAS rondo_testing_kit)
  set_target_properties(rondo_testing_kit PROPERTIES EXPORT_NAME testing OUTPUT_NAME rondo_testing
                                                     LINKER_LANGUAGE CXX)
  target_link_libraries(rondo_testing_kit PUBLIC rondo)
endfunction()

# The one library that users link: all layers in one archive.
function(rondo_library)
  add_library(rondo STATIC)
  add_library(rondo::rondo ALIAS rondo)
  rondo_target(rondo)
  set_target_properties(rondo PROPERTIES LINKER_LANGUAGE CXX)
  target_include_directories(rondo PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                                          $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_definitions(rondo PUBLIC ASIO_STANDALONE)
  target_compile_features(rondo PUBLIC cxx_std_20)
  foreach(layer ${ARGN})
    if(TARGET rondo_${layer})
      target_sources(rondo PRIVATE $<TARGET_OBJECTS:rondo_${layer}>)
    endif()
  endforeach()
  target_link_libraries(rondo PUBLIC absl::status absl::statusor protobuf::libprotobuf ZLIB::ZLIB OpenSSL::SSL Threads::Threads
    PRIVATE $<BUILD_INTERFACE:rondo_cares>)
  if(RONDO_SANITIZE)
    target_link_options(rondo PUBLIC -fsanitize=${RONDO_SANITIZE})
  endif()
endfunction()
