#pragma once

#include "app/config.hpp"
#include "base/result.hpp"
#include "risk/kernel/account.hpp"
#include "risk/kernel/house_limits.hpp"
#include "risk/kernel/universe.hpp"

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// Files of a whole broker: what its clients hold, and what there is to pay losses with.

namespace crossclear::app {

/// Clients of one book. The stress book values each of them in some hundred states.
inline constexpr std::size_t book_clients_max = 10'000;

/// What pays for losses, in the order in which it does. **Units:** USD.
struct Waterfall {
    double capital{};
    double insurance{};
    double fund{};  ///< What clients paid into the default fund.

    /// All of it.
    [[nodiscard]] double total() const noexcept { return capital + insurance + fund; }
};

/// One client of a book.
struct BookClient {
    std::string name;
    std::vector<risk::kernel::Position> positions;
};

/// A broker as a file gives it.
struct Book {
    Waterfall waterfall;
    risk::kernel::HouseLimits limits;
    double oracle_frozen_hours{24};
    /// Whose column of a price file stands for a coin or wrapper that has none of its own.
    std::map<std::string, std::string, std::less<>> columns;
    std::vector<BookClient> clients;
};

/// Reads a book, in YAML as in deploy/risk/book.yaml or in JSON. Where a client's `equity` is
/// given, the universe's first cash makes up for what its portfolio is not worth, or is owed.
///
/// **Errors:** as a universe's, and: an instrument, a coin or a wrapper that the universe does not
/// have, a client given twice, more than `book_clients_max`, an equity beside cash in the
/// portfolio.
[[nodiscard]] base::Result<Book, ConfigError> load_book(const std::filesystem::path& path,
                                                        const risk::kernel::Universe& universe);

/// The same of a text; `file` is only its name in errors.
[[nodiscard]] base::Result<Book, ConfigError> parse_book(const std::string& text,
                                                         std::string_view file,
                                                         const risk::kernel::Universe& universe);

}  // namespace crossclear::app
