# Asio, Beast and JSON compiled once and separately: every file that includes them becomes seconds
# cheaper, and the sanitizers see their code.
add_library(crossclear_boost STATIC EXCLUDE_FROM_ALL
    cmake/boost/asio.cpp cmake/boost/beast.cpp cmake/boost/json.cpp)
target_compile_definitions(crossclear_boost PUBLIC
    BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
    # JSON would otherwise ask for its packaged library, through automatic linking or DYN_LINK.
    BOOST_JSON_NO_LIB BOOST_CONTAINER_NO_LIB
    BOOST_ASIO_NO_DEPRECATED)
target_link_libraries(crossclear_boost PUBLIC
    Boost::headers OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
