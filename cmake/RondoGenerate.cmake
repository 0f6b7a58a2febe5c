# rondo_generate(TARGET target PROTOS file.proto... [IMPORT_DIRS dir...])
#
# Adds the messages, stubs and services of the files to `target`: x.pb.{h,cc} and x.rondo.pb.{h,cc},
# found as they are named below the first import directory that holds them (default: the current
# source directory). The target links rondo::rondo.
function(rondo_generate)
  cmake_parse_arguments(G "" "TARGET" "PROTOS;IMPORT_DIRS" ${ARGN})
  if(NOT G_TARGET OR NOT G_PROTOS)
    message(FATAL_ERROR "rondo_generate: TARGET and PROTOS are needed")
  endif()
  if(NOT G_IMPORT_DIRS)
    set(G_IMPORT_DIRS ${CMAKE_CURRENT_SOURCE_DIR})
  endif()
  set(out ${CMAKE_CURRENT_BINARY_DIR})
  set(imports)
  foreach(dir ${G_IMPORT_DIRS})
    cmake_path(ABSOLUTE_PATH dir BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} NORMALIZE)
    list(APPEND imports ${dir})
  endforeach()
  list(TRANSFORM imports PREPEND -I OUTPUT_VARIABLE flags)
  set(sources)
  foreach(proto ${G_PROTOS})
    cmake_path(ABSOLUTE_PATH proto BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} NORMALIZE)
    set(relative)
    foreach(dir ${imports})
      cmake_path(IS_PREFIX dir ${proto} NORMALIZE inside)
      if(inside AND NOT relative)
        cmake_path(RELATIVE_PATH proto BASE_DIRECTORY ${dir} OUTPUT_VARIABLE relative)
      endif()
    endforeach()
    if(NOT relative)
      message(FATAL_ERROR "rondo_generate: ${proto} is below none of IMPORT_DIRS (${imports})")
    endif()
    string(REGEX REPLACE "\\.proto$" "" base ${relative})
    set(made ${out}/${base}.pb.h ${out}/${base}.pb.cc ${out}/${base}.rondo.pb.h ${out}/${base}.rondo.pb.cc)
    add_custom_command(
      OUTPUT ${made}
      COMMAND protobuf::protoc --cpp_out=${out} --rondo_out=${out}
              --plugin=protoc-gen-rondo=$<TARGET_FILE:rondo::protoc-gen-rondo> ${flags} ${proto}
      DEPENDS ${proto} rondo::protoc-gen-rondo protobuf::protoc
      COMMENT "Generating ${base}.rondo.pb.h" VERBATIM)
    list(APPEND sources ${made})
  endforeach()
  target_sources(${G_TARGET} PRIVATE ${sources})
  target_include_directories(${G_TARGET} PUBLIC $<BUILD_INTERFACE:${out}>)
  target_link_libraries(${G_TARGET} PUBLIC rondo::rondo)
endfunction()
