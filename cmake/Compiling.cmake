# How everything of ours is compiled: standard, warnings, sanitizers, linker, ccache.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_LINK_DEPENDS_NO_SHARED ON)
option(BUILD_TESTING "Build the tests" ON)

if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
# Lines and functions are what backtraces and profiles need (-g1); locals would double the time a
# build takes. Configure with -DCMAKE_CXX_FLAGS_DEBUG="-O0 -g" to look at them in a debugger.
# CHECK does not look at NDEBUG: it holds in every build. NDEBUG only quietens third parties.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")
# -O1 because the sanitizers at -O0 make the end-to-end tests needlessly slow.
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1 -fno-omit-frame-pointer")
# The standard library checks indices and empty access; it costs about a percent.
add_compile_definitions(_GLIBCXX_ASSERTIONS)
if(CROSSCLEAR_CHECK_SLOW)
    add_compile_definitions(CROSSCLEAR_CHECK_SLOW)
endif()

# Warnings go to our own targets only (see Folders.cmake), never to generated or foreign code.
set(CROSSCLEAR_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
    -Wswitch-enum -Wold-style-cast)
if(CROSSCLEAR_WERROR)
    list(APPEND CROSSCLEAR_WARNINGS -Werror)
endif()

if(CROSSCLEAR_SANITIZE)
    add_compile_options(-fsanitize=${CROSSCLEAR_SANITIZE} -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${CROSSCLEAR_SANITIZE})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        # GCC reports it falsely in instrumented code.
        list(APPEND CROSSCLEAR_WARNINGS -Wno-maybe-uninitialized)
        if(CROSSCLEAR_SANITIZE MATCHES "thread")
            # Asio's fences, which ThreadSanitizer does not see: it reports no race for them here.
            list(APPEND CROSSCLEAR_WARNINGS -Wno-tsan)
        endif()
    endif()
endif()
if(CROSSCLEAR_COVERAGE)
    add_compile_options(--coverage)
    add_link_options(--coverage)
endif()

find_program(CROSSCLEAR_CCACHE ccache)
if(CROSSCLEAR_CCACHE)
    # The sloppiness is what ccache asks for before it will cache users of a precompiled header.
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
        CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
        ${CROSSCLEAR_CCACHE})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        add_compile_options(-fpch-preprocess)
    endif()
endif()

# A faster linker if there is one: some dozen programs are linked for the tests.
include(CheckLinkerFlag)
foreach(linker mold lld)
    find_program(CROSSCLEAR_${linker} NAMES ld.${linker})
    if(CROSSCLEAR_${linker})
        check_linker_flag(CXX -fuse-ld=${linker} CROSSCLEAR_CAN_USE_${linker})
        if(CROSSCLEAR_CAN_USE_${linker})
            add_link_options(-fuse-ld=${linker})
            break()
        endif()
    endif()
endforeach()
