# Folder = target = namespace. A folder without sources has no target, so a part of the tree can be
# built before the rest of it is written.

# What every target of ours shares: includes rooted at the repository, and our warnings.
function(crossclear_ours target)
    target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR})
    target_compile_options(${target} PRIVATE ${CROSSCLEAR_WARNINGS})
endfunction()

# Links `target` to those of our folders that exist already.
function(crossclear_use target)
    foreach(folder IN LISTS ARGN)
        if(TARGET crossclear_${folder})
            target_link_libraries(${target} PUBLIC crossclear_${folder})
        endif()
    endforeach()
endfunction()

# crossclear_library(folder [USES folder...] [LINKS target...] [PRECOMPILE])
function(crossclear_library folder)
    cmake_parse_arguments(PARSE_ARGV 1 arg "PRECOMPILE" "" "USES;LINKS")
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.cpp)
    file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.hpp)
    list(REMOVE_ITEM sources ${CMAKE_SOURCE_DIR}/app/main.cpp)
    if(NOT sources)
        return()
    endif()
    set(target crossclear_${folder})
    add_library(${target} STATIC ${sources})
    # A header set lets CMAKE_VERIFY_INTERFACE_HEADER_SETS prove that each header compiles alone.
    target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS ${CMAKE_SOURCE_DIR}
                   FILES ${headers})
    crossclear_ours(${target})
    crossclear_use(${target} ${arg_USES})
    target_link_libraries(${target} PUBLIC ${arg_LINKS})
    crossclear_protobuf(${target} ${folder})
    if(arg_PRECOMPILE)
        target_precompile_headers(${target} PRIVATE ${CMAKE_SOURCE_DIR}/cmake/pch/${folder}.hpp)
    endif()
endfunction()

# Compiles the folder's *.proto files; "ledger/journal/record.proto" becomes
# "ledger/journal/record.pb.h". Generated code is a target of its own and gets no warnings.
function(crossclear_protobuf target folder)
    file(GLOB_RECURSE protos CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.proto)
    if(NOT protos)
        return()
    endif()
    set(out ${CMAKE_BINARY_DIR}/generated)
    file(MAKE_DIRECTORY ${out})
    foreach(proto IN LISTS protos)
        file(RELATIVE_PATH name ${CMAKE_SOURCE_DIR} ${proto})
        string(REGEX REPLACE "\\.proto$" ".pb" name ${name})
        add_custom_command(
            OUTPUT ${out}/${name}.cc ${out}/${name}.h
            COMMAND protobuf::protoc --proto_path=${CMAKE_SOURCE_DIR} --cpp_out=${out} ${proto}
            DEPENDS ${proto} protobuf::protoc
            VERBATIM)
        list(APPEND generated ${out}/${name}.cc ${out}/${name}.h)
    endforeach()
    add_library(${target}_proto STATIC ${generated})
    target_compile_options(${target}_proto PRIVATE -w)
    target_include_directories(${target}_proto SYSTEM PUBLIC ${out})
    target_link_libraries(${target}_proto PUBLIC protobuf::libprotobuf Threads::Threads)
    target_link_libraries(${target} PUBLIC ${target}_proto)
    # Linking orders archives only; without this a source could be compiled before its header is.
    add_dependencies(${target} ${target}_proto)
endfunction()

# The one program, at build/<preset>/crossclear.
function(crossclear_program)
    if(NOT EXISTS ${CMAKE_SOURCE_DIR}/app/main.cpp)
        return()
    endif()
    # Objects of their own: the control of the nemesis is the same main with one other rule.
    add_library(crossclear_main OBJECT ${CMAKE_SOURCE_DIR}/app/main.cpp)
    crossclear_ours(crossclear_main)
    crossclear_use(crossclear_main app)
    target_link_libraries(crossclear_main PUBLIC crossclear_allocator)
    add_executable(crossclear)
    target_link_libraries(crossclear PRIVATE crossclear_main)
    set_target_properties(crossclear PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
endfunction()

# bench/<name>_bench.cpp becomes the program <name>_bench; what else lies there is shared by all.
function(crossclear_benchmarks)
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/bench/*.cpp)
    set(programs ${sources})
    list(FILTER programs INCLUDE REGEX "_bench\\.cpp$")
    list(FILTER sources EXCLUDE REGEX "_bench\\.cpp$")
    if(NOT programs)
        return()
    endif()
    add_library(crossclear_bench STATIC EXCLUDE_FROM_ALL ${sources})
    crossclear_ours(crossclear_bench)
    crossclear_use(crossclear_bench base risk metrics ledger shards store actors api app)
    target_link_libraries(crossclear_bench PUBLIC benchmark::benchmark)
    add_custom_target(benchmarks)
    foreach(program IN LISTS programs)
        cmake_path(GET program STEM name)
        add_executable(${name} EXCLUDE_FROM_ALL ${program})
        crossclear_ours(${name})
        crossclear_use(${name} bench)
        target_link_libraries(${name} PRIVATE crossclear_allocator)
        add_dependencies(benchmarks ${name})
    endforeach()
endfunction()

# tests/fuzz/<name>_fuzz.cpp becomes the libFuzzer program <name>_fuzz.
function(crossclear_fuzz_targets)
    if(NOT CROSSCLEAR_FUZZ)
        return()
    endif()
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/*_fuzz.cpp)
    foreach(source IN LISTS sources)
        cmake_path(GET source STEM name)
        add_executable(${name} ${source})
        crossclear_ours(${name})
        crossclear_use(${name} base risk metrics ledger shards store actors api app)
        target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    endforeach()
endfunction()
