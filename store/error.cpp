#include "store/error.hpp"

#include <fmt/format.h>

namespace crossclear::store {

std::string to_string(const StoreError& error) {
    return fmt::format("{}: expected {}, found {}. {}", error.subject, error.expected, error.found,
                       error.remedy);
}

}  // namespace crossclear::store
