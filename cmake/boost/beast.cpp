// Beast's own translation unit; see cmake/Boost.cmake.
#include <boost/beast/src.hpp>
