#include "app/book_file.hpp"

#include "app/document.hpp"
#include "app/universe_file.hpp"
#include "app/yaml.hpp"
#include "risk/kernel/limits.hpp"
#include "risk/kernel/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <utility>

namespace crossclear::app {
namespace {

namespace kernel = risk::kernel;

constexpr NumberBounds waterfall_usd{0, kernel::limits::usd_max};
constexpr NumberBounds share_of_waterfall{0, 1};
constexpr NumberBounds equity_usd{-kernel::limits::quantity_max, kernel::limits::quantity_max};
constexpr double hours_a_year = 24 * kernel::days_a_year;
constexpr std::size_t client_name_length_max = 64;

// A name that would break the table it stands in is a slip.
bool is_client_name(std::string_view text) {
    return text.size() <= client_name_length_max &&
           std::none_of(text.begin(), text.end(),
                        [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
}

class BookReader {
public:
    explicit BookReader(const kernel::Universe& universe)
        : universe_(universe), now_(kernel::market_now(universe)) {
        const auto cash =
            std::find_if(universe.instruments.begin(), universe.instruments.end(),
                         [](const kernel::Instrument& x) { return x.kind == kernel::Kind::cash; });
        if (cash == universe.instruments.end()) return;
        cash_ =
            kernel::InstrumentId{static_cast<std::uint16_t>(cash - universe.instruments.begin())};
    }

    Book book;

    void read(const DocumentNode& root) {
        DocumentObject top(root);
        if (const auto* node = top.required("waterfall")) read_waterfall(*node);
        if (const auto* node = top.optional("limits")) read_limits(*node);
        if (const auto* node = top.optional("stress")) read_stress(*node);
        if (const auto* node = top.required("clients")) read_clients(*node);
        top.finish();
    }

private:
    void read_waterfall(const DocumentNode& node) {
        DocumentObject waterfall(node);
        book.waterfall.capital = waterfall.number("capital", waterfall_usd);
        book.waterfall.insurance = waterfall.number("insurance", waterfall_usd);
        book.waterfall.fund = waterfall.number_or("fund", 0, waterfall_usd);
        waterfall.finish();
    }

    void read_limits(const DocumentNode& node) {
        DocumentObject limits(node);
        auto& x = book.limits;
        x.protocol_share = limits.number_or("protocol_share", x.protocol_share, share_of_waterfall);
        x.client_share = limits.number_or("client_share", x.client_share, share_of_waterfall);
        limits.finish();
    }

    void read_stress(const DocumentNode& node) {
        DocumentObject stress(node);
        book.oracle_frozen_hours =
            stress.number_or("oracle_frozen_hours", book.oracle_frozen_hours, {0, hours_a_year});
        if (const auto* columns = stress.optional("columns")) {
            for (const auto& [name, column] : columns->members()) {
                if (!universe_.find_underlying(name) && !universe_.find_wrapper(name)) {
                    column.complain("the universe has no such coin or wrapper");
                }
                book.columns.emplace(name, column.text());
            }
        }
        stress.finish();
    }

    void read_clients(const DocumentNode& node) {
        const auto clients = node.items();
        if (clients.size() > book_clients_max) {
            return node.complain(fmt::format("more than {} clients", book_clients_max));
        }
        for (const auto& client : clients) read_client(client);
    }

    void read_client(const DocumentNode& node) {
        DocumentObject object(node);
        BookClient client;
        client.name = object.text("name");
        if (!client.name.empty()) check_name(*object.optional("name"), client.name);
        if (const auto* held = object.required("portfolio")) {
            client.positions = read_portfolio(*held, universe_);
        }
        if (const auto* equity = object.optional("equity")) make_up_for(*equity, client.positions);
        object.finish();
        book.clients.push_back(std::move(client));
    }

    void check_name(const DocumentNode& node, const std::string& name) {
        if (!is_client_name(name)) {
            return node.complain(
                fmt::format("expected a line of at most {} bytes", client_name_length_max));
        }
        if (!names_.insert(name).second) node.complain(fmt::format("'{}' is given twice", name));
    }

    void make_up_for(const DocumentNode& node, std::vector<kernel::Position>& positions) const {
        double cash = node.number(equity_usd);
        for (const auto& [id, quantity] : positions) {
            const auto& x = universe_.instrument(id);
            if (x.kind == kernel::Kind::cash) {
                return node.complain(fmt::format(
                    "expected either an equity or '{}' in the portfolio, found both", x.name));
            }
            cash -= quantity * kernel::value_of(universe_, x, now_);
        }
        if (!cash_) return node.complain("the universe has no cash that could make up for it");
        if (!(std::abs(cash) <= kernel::limits::quantity_max)) {
            return node.complain("is too far from what the portfolio is worth");
        }
        positions.push_back({*cash_, cash});
    }

    const kernel::Universe& universe_;
    kernel::MarketState now_;
    std::optional<kernel::InstrumentId> cash_;
    std::set<std::string, std::less<>> names_;
};

}  // namespace

base::Result<Book, ConfigError> parse_book(const std::string& text, std::string_view file,
                                           const kernel::Universe& universe) {
    BookReader reader(universe);
    const auto read =
        read_document(text, file, [&reader](const DocumentNode& root) { reader.read(root); });
    if (!read) return base::Failure{read.error()};
    return std::move(reader.book);
}

base::Result<Book, ConfigError> load_book(const std::filesystem::path& path,
                                          const kernel::Universe& universe) {
    const auto text = read_text(path);
    if (!text) return base::Failure{text.error()};
    return parse_book(*text, path.string(), universe);
}

}  // namespace crossclear::app
