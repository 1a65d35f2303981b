# What others wrote. Debian's packages, except CAF and prometheus-cpp, which
# ./dev setup builds once into a cached prefix. Imported targets are SYSTEM: no warnings from them.
if(CROSSCLEAR_DEPS_PREFIX)
    list(PREPEND CMAKE_PREFIX_PATH ${CROSSCLEAR_DEPS_PREFIX})
endif()

# One spelling of -pthread everywhere, or the precompiled headers of two targets would not match.
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(Protobuf 3.21 REQUIRED)
find_package(Boost 1.81 CONFIG REQUIRED COMPONENTS headers)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(spdlog REQUIRED)
find_package(benchmark REQUIRED)
# The system's Python, not another one first in PATH: the packaged modules belong to it.
find_program(CROSSCLEAR_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)

# The two that setup builds; without this hint CMake's own message sends newcomers astray.
find_package(CAF 0.18.7 EXACT QUIET COMPONENTS core io openssl)
find_package(prometheus-cpp QUIET)  # it installs no version file
if(NOT CAF_FOUND OR NOT prometheus-cpp_FOUND)
    message(FATAL_ERROR "CAF 0.18.7 or prometheus-cpp is missing (CAF: ${CAF_FOUND}, "
                        "prometheus-cpp: ${prometheus-cpp_FOUND}).\n"
                        "Build with `./dev build`, or run `./dev setup` and pass its prefix as "
                        "-DCROSSCLEAR_DEPS_PREFIX=...")
endif()
# The linker's --wrap (cmake/tls) does not reach into a shared library: its mend would be lost.
get_target_property(kind CAF::openssl TYPE)
if(NOT kind STREQUAL "STATIC_LIBRARY")
    message(FATAL_ERROR "CAF in ${CAF_DIR} is shared; static libraries are wanted "
                        "(BUILD_SHARED_LIBS=OFF), as ./dev setup builds them")
endif()

# Each Debian release has another CMake package of hiredis; its header and library stay put.
find_path(HIREDIS_INCLUDE_DIR hiredis/hiredis.h REQUIRED)
find_library(HIREDIS_LIBRARY hiredis REQUIRED)
add_library(crossclear_hiredis INTERFACE)
target_include_directories(crossclear_hiredis SYSTEM INTERFACE ${HIREDIS_INCLUDE_DIR})
target_link_libraries(crossclear_hiredis INTERFACE ${HIREDIS_LIBRARY})

# What EVM chains sign and hash with. OpenSSL has their Keccak-256 only from 3.2 on.
find_path(SECP256K1_INCLUDE_DIR secp256k1_recovery.h REQUIRED)
find_library(SECP256K1_LIBRARY secp256k1 REQUIRED)
find_path(CRYPTOPP_INCLUDE_DIR cryptopp/keccak.h REQUIRED)
find_library(CRYPTOPP_LIBRARY cryptopp REQUIRED)
add_library(crossclear_evm_crypto INTERFACE)
target_include_directories(crossclear_evm_crypto SYSTEM INTERFACE
                           ${SECP256K1_INCLUDE_DIR} ${CRYPTOPP_INCLUDE_DIR})
target_link_libraries(crossclear_evm_crypto INTERFACE ${SECP256K1_LIBRARY} ${CRYPTOPP_LIBRARY})

# What the programs allocate with: an actor frees what another thread made (decision 0013). The
# sanitizers bring an allocator of their own.
add_library(crossclear_allocator INTERFACE)
if(NOT CROSSCLEAR_SANITIZE AND NOT CROSSCLEAR_FUZZ)
    find_library(JEMALLOC_LIBRARY jemalloc REQUIRED)
    target_link_libraries(crossclear_allocator INTERFACE ${JEMALLOC_LIBRARY})
endif()
