// Boost.JSON's own translation unit; see cmake/Boost.cmake.
#include <boost/json/src.hpp>
