#include "app/document.hpp"
#include "app/universe_file.hpp"
#include "base/check.hpp"
#include "risk/kernel/limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

// The compact form: parameters under short names, wrappers as bare lists, scenarios by name. Three
// things it leaves unsaid are said here: where perpetuals are traded, whose failure moves which
// price, and how far pegs and premiums reach, which its scenarios show.

namespace crossclear::app {
namespace {

namespace kernel = risk::kernel;
namespace limits = kernel::limits;
using kernel::Kind;

// The kernel's door looks at ranges; here a number only has to be one.
constexpr NumberBounds any_number{std::numeric_limits<double>::lowest(),
                                  std::numeric_limits<double>::max()};
constexpr NumberBounds small_integer{0, 65'535};

constexpr std::string_view venue_name = "PERPVENUE";

// Whose failure takes which price along, beyond the synthetics of their issuer.
struct UnsaidDepeg {
    std::string_view protocol;
    std::string_view wrapper;
    double share;
};
constexpr std::array unsaid_depegs{UnsaidDepeg{"MAKER", "DAI", 1}, UnsaidDepeg{"CIRCLE", "USDC", 1},
                                   UnsaidDepeg{"CIRCLE", "DAI", .5}};
constexpr std::string_view synthetic_issuer = "SYNTHETIX";

struct KindName {
    std::string_view name;
    Kind kind;
};
constexpr std::array compact_kinds{KindName{"cash", Kind::cash},
                                   KindName{"spot", Kind::spot},
                                   KindName{"synth", Kind::synthetic},
                                   KindName{"stable", Kind::stable},
                                   KindName{"perp", Kind::perpetual},
                                   KindName{"future", Kind::future},
                                   KindName{"inverse", Kind::inverse_perpetual},
                                   KindName{"option", Kind::option},
                                   KindName{"lp2", Kind::lp2},
                                   KindName{"lp3", Kind::lp3},
                                   KindName{"deposit", Kind::deposit},
                                   KindName{"debt", Kind::debt},
                                   KindName{"binary", Kind::binary}};

class CompactReader {
public:
    CompactUniverse result;
    kernel::Universe& universe = result.universe;

    void read(const DocumentNode& root) {
        DocumentObject top(root);
        const auto* params = top.required("params");
        if (params != nullptr) read_params(*params);
        if (const auto* list = top.required("instruments")) {
            for (const auto& [name, node] : list->members(limits::instruments_max)) {
                read_instrument(name, node);
            }
        }
        if (const auto* list = top.optional("core_scenarios")) {
            read_scenarios(*list, "core", universe.core, limits::core_scenarios_max);
        }
        if (const auto* list = top.optional("sim_scenarios")) {
            read_scenarios(*list, "simulated", universe.simulated, limits::simulated_scenarios_max);
        }
        top.finish();
        add_unsaid();
    }

private:
    // Where the door will find what it complains of.
    void note(std::string_view list, std::size_t i, const DocumentNode& node) {
        result.lines.emplace(fmt::format("{}[{}]", list, i), node.line());
    }

    void read_params(const DocumentNode& node) {
        result.lines.emplace("model", node.line());
        DocumentObject params(node);
        auto& model = universe.model;
        read_underlyings(params);
        if (const auto* wrap = params.required("wrap")) {
            for (const auto& [name, row] : wrap->members(limits::wrappers_max)) {
                read_wrapper(name, row);
            }
        }
        if (const auto* vs = params.required("vs")) read_volatility(*vs);
        model.tail_cover = params.number("tail_cover", any_number);
        if (const auto* tails = params.required("tails")) {
            model.tails.clear();
            for (const auto& tail : tails->items(limits::tails_max))
                model.tails.push_back(tail.number(any_number));
        }
        peg_synthetic_ = params.number("peg_syn", any_number);
        if (const auto* pegs = params.required("peg")) {
            for (const auto& [name, peg] : pegs->members()) read_peg(name, peg);
        }
        premium_ = params.number("prem", any_number);
        model.shortfall_confidence = params.number("alpha", any_number);
        // There is no other IM than the whole of its parts.
        (void)params.number("f_im", {1, 1});
        model.maintenance_of_market = params.number("f_mm", any_number);
        model.funding = params.number("fund", any_number);
        model.short_option_minimum = params.number("som", any_number);
        model.impact = params.number("eta", any_number);
        model.gain_share = params.number("gain", any_number);
        if (const auto* list = params.required("proto")) {
            for (const auto& [name, row] : list->members(limits::protocols_max)) {
                read_protocol(name, row);
            }
        }
        model.asset_correlation = params.number("rho_asset", any_number);
        model.confidence = params.number("q", any_number);
        model.protocol_days = params.number("hJ", any_number);
        model.failure_correlation = params.number("R0", any_number);
        if (const auto* list = params.required("R")) {
            for (const auto& [pair, value] : list->members(limits::correlations_max)) {
                read_correlation(pair, value);
            }
        }
        model.venue_share = params.number("venue_frac", any_number);
        params.finish();
    }

    void read_underlyings(DocumentObject& params) {
        const auto* spots = params.required("spot");
        const auto* ranges = params.required("rng");
        if (spots == nullptr || ranges == nullptr) return;
        DocumentObject range(*ranges);
        for (const auto& [name, spot] : spots->members(limits::underlyings_max)) {
            note("underlyings", universe.underlyings.size(), spot);
            universe.underlyings.push_back({.name = name,
                                            .spot = spot.number(any_number),
                                            .range = range.number(name, any_number)});
        }
        range.finish();
    }

    void read_wrapper(const std::string& name, const DocumentNode& node) {
        constexpr std::size_t columns = 8;
        const auto row = node.items();
        if (row.size() != columns) {
            return node.complain(fmt::format("expected {} entries", columns));
        }
        kernel::Wrapper x;
        x.name = name;
        if (!row[0].is_null()) x.underlying = underlying(row[0]);
        x.price = row[1].number(any_number);
        x.basis = row[2].number(any_number);
        x.half_spread = row[3].number(any_number);
        x.volatility_day = row[4].number(any_number);
        x.volume_day_usd = row[5].number(any_number);
        x.haircut_initial = row[6].number(any_number);
        x.haircut_maintenance = row[7].number(any_number);
        // A coin is as volatile as its own price, which bears its name.
        if (const auto coin = universe.find_underlying(name)) {
            universe.underlyings[coin->v].volatility_day = x.volatility_day;
        }
        note("wrappers", universe.wrappers.size(), node);
        universe.wrappers.push_back(std::move(x));
    }

    void read_volatility(const DocumentNode& node) {
        DocumentObject vs(node);
        auto& model = universe.model;
        model.volatility_up = vs.number("up", any_number);
        model.volatility_down = vs.number("dn", any_number);
        model.volatility_power_short = vs.number("pS", any_number);
        model.volatility_power_long = vs.number("pL", any_number);
        model.volatility_days_min = vs.number("floor_d", any_number);
        model.volatility_up_min = vs.number("min_up", any_number);
        vs.finish();
    }

    void read_peg(const std::string& name, const DocumentNode& node) {
        const auto id = universe.find_wrapper(name);
        if (!id) return node.complain("no such wrapper");
        universe.wrappers[id->v].peg_down = node.number(any_number);
    }

    void read_protocol(const std::string& name, const DocumentNode& node) {
        const auto row = node.items();
        if (row.size() != 2) return node.complain("expected a chance and a loss");
        note("protocols", universe.protocols.size(), node);
        universe.protocols.push_back({.name = name,
                                      .default_year = row[0].number(any_number),
                                      .loss_given_default = row[1].number(any_number),
                                      .depegs = {}});
    }

    // "('MAKER', 'CIRCLE')".
    void read_correlation(const std::string& pair, const DocumentNode& node) {
        const auto name_at = [&pair](std::size_t& at) -> std::string {
            const auto begin = pair.find('\'', at);
            const auto end = begin == std::string::npos ? begin : pair.find('\'', begin + 1);
            if (end == std::string::npos) return {};
            at = end + 1;
            return pair.substr(begin + 1, end - begin - 1);
        };
        std::size_t at = 0;
        const auto first = name_at(at);
        const auto second = name_at(at);
        const auto a = universe.find_protocol(first);
        const auto b = universe.find_protocol(second);
        if (pair != fmt::format("('{}', '{}')", first, second) || !a || !b) {
            return node.complain("expected two protocols as a key, like ('A', 'B')");
        }
        note("correlations", universe.correlations.size(), node);
        universe.correlations.push_back({*a, *b, node.number(any_number)});
    }

    void read_instrument(const std::string& name, const DocumentNode& node) {
        DocumentObject object(node);
        kernel::Instrument x;
        x.name = name;
        const auto kind = object.text("kind");
        const auto* const known =
            std::find_if(compact_kinds.begin(), compact_kinds.end(),
                         [&kind](const KindName& one) { return one.name == kind; });
        if (known == compact_kinds.end()) {
            if (!kind.empty()) node.complain(fmt::format("'{}' is no kind", kind));
            return;
        }
        x.kind = known->kind;
        read_terms(object, x);
        if (const auto* list = object.optional("protocols")) {
            for (const auto& entry : list->items(limits::protocols_max)) {
                const auto protocol = universe.find_protocol(entry.text());
                if (!protocol) {
                    entry.complain("no such protocol");
                    continue;
                }
                x.protocols.push_back(*protocol);
            }
        }
        object.finish();
        note("instruments", universe.instruments.size(), node);
        universe.instruments.push_back(std::move(x));
    }

    void read_terms(DocumentObject& object, kernel::Instrument& x) {
        if (x.kind == Kind::cash) return;
        if (x.kind == Kind::option) return read_option(object, x);
        if (x.kind == Kind::binary) {
            x.event = object.text("event");
            x.outcome = static_cast<std::uint16_t>(object.whole("outcome", small_integer));
            x.outcomes = static_cast<std::uint16_t>(object.whole("n", small_integer));
            x.mark = object.number("p", any_number);
            return;
        }
        if (kernel::is_lp(x.kind)) {
            x.wrapper = wrapper(object, "a");
            x.quote = wrapper(object, "b");
            x.liquidity = object.number(x.kind == Kind::lp2 ? "sqrtk" : "L", any_number);
            if (x.kind == Kind::lp3) {
                x.price_low = object.number("pa", any_number);
                x.price_high = object.number("pb", any_number);
            }
            return;
        }
        x.wrapper = wrapper(object, "w");
        if (kernel::is_contract(x.kind)) {
            x.entry = object.number_or("entry", 0, any_number);
            x.venue = universe.find_protocol(venue_name);
        }
        if (x.kind == Kind::inverse_perpetual) {
            x.face_usd = object.number_or("usd", 1, any_number);
        }
        if (x.kind == Kind::deposit || x.kind == Kind::debt) {
            x.index = object.number_or("index", 1, any_number);
        }
    }

    void read_option(DocumentObject& object, kernel::Instrument& x) {
        const auto type = object.text("cp");
        if (const auto* node = object.optional("cp");
            node != nullptr && type != "C" && type != "P") {
            node->complain("expected C or P");
        }
        x.type = type == "P" ? kernel::OptionType::put : kernel::OptionType::call;
        if (const auto* node = object.required("u")) x.underlying = underlying(*node);
        x.strike = object.number("K", any_number);
        x.forward = object.number("fwd", any_number);
        x.volatility = object.number("sig", any_number);
        x.days = object.number("dte", any_number);
        x.rate = object.number_or("r", 0, any_number);
    }

    void read_scenarios(const DocumentNode& node, std::string_view list,
                        std::vector<kernel::Scenario>& out, std::size_t max) {
        for (const auto& entry : node.items(max)) {
            note(list, out.size(), entry);
            DocumentObject object(entry);
            kernel::Scenario x;
            if (const auto* moves = object.required("x")) {
                x.moves.assign(universe.underlyings.size(), 0);
                for (const auto& [name, move] : moves->members()) {
                    const auto id = universe.find_underlying(name);
                    if (!id) {
                        move.complain("no such underlying");
                        continue;
                    }
                    x.moves[id->v] = move.number(any_number);
                }
            }
            const double state = object.whole("vol", {-1, 1});
            x.volatility = static_cast<kernel::VolatilityState>(static_cast<int>(state));
            x.pegs = by_wrapper(object, "peg");
            x.premiums = by_wrapper(object, "prem");
            x.damp = object.number("d", any_number);
            if (const auto* name = object.required("name"); name != nullptr)
                x.name = name->scalar();
            object.finish();
            out.push_back(std::move(x));
        }
    }

    std::vector<double> by_wrapper(DocumentObject& object, std::string_view key) {
        std::vector<double> list;
        const auto* node = object.required(key);
        if (node == nullptr) return list;
        for (const auto& [name, value] : node->members()) {
            const auto id = universe.find_wrapper(name);
            if (!id) {
                value.complain("no such wrapper");
                continue;
            }
            list.resize(universe.wrappers.size(), 0);
            list[id->v] = value.number(any_number);
        }
        return list;
    }

    kernel::UnderlyingId underlying(const DocumentNode& node) {
        const auto id = universe.find_underlying(node.text());
        if (!id) node.complain("no such underlying");
        return id.value_or(kernel::UnderlyingId{});
    }

    kernel::WrapperId wrapper(DocumentObject& object, std::string_view key) {
        const auto* node = object.required(key);
        if (node == nullptr) return {};
        const auto id = universe.find_wrapper(node->text());
        if (!id) node->complain("no such wrapper");
        return id.value_or(kernel::WrapperId{});
    }

    void add_unsaid() {
        if (universe.wrappers.empty()) return;
        for (auto& x : universe.instruments) {
            if (x.kind == Kind::option) x.wrapper = hedge_of(x);
            if (x.kind == Kind::synthetic) add_synthetic(x.wrapper);
            if (x.kind == Kind::perpetual || x.kind == Kind::inverse_perpetual) {
                universe.wrappers[x.wrapper.v].premium = premium_;
            }
        }
        for (const auto& depeg : unsaid_depegs) {
            if (const auto id = universe.find_wrapper(depeg.wrapper)) {
                add_depeg(depeg.protocol, {*id, depeg.share});
            }
        }
        for (const auto& scenario : universe.core) {
            for (std::size_t w = 0; w < scenario.pegs.size(); ++w) {
                auto& x = universe.wrappers[w];
                x.peg_up = std::max(x.peg_up, scenario.pegs[w]);
            }
        }
    }

    void add_synthetic(kernel::WrapperId id) {
        universe.wrappers[id.v].peg_down = peg_synthetic_;
        add_depeg(synthetic_issuer, {id, 1});
    }

    void add_depeg(std::string_view protocol, const kernel::Depeg& depeg) {
        const auto id = universe.find_protocol(protocol);
        if (!id) return;
        auto& list = universe.protocols[id->v].depegs;
        if (std::find(list.begin(), list.end(), depeg) == list.end()) list.push_back(depeg);
    }

    // An option's exposure is that to its coin's perpetual, or to the coin where there is none.
    kernel::WrapperId hedge_of(const kernel::Instrument& option) const {
        for (const auto kind : {Kind::perpetual, Kind::spot}) {
            for (const auto& x : universe.instruments) {
                if (x.kind == kind && universe.wrapper(x.wrapper).underlying == option.underlying) {
                    return x.wrapper;
                }
            }
        }
        // The kernel's door says that it points nowhere.
        return kernel::WrapperId{std::numeric_limits<std::uint16_t>::max()};
    }

    double peg_synthetic_{};
    double premium_{};
};

}  // namespace

base::Result<CompactUniverse, ConfigError> parse_compact_universe(const std::string& text,
                                                                  std::string_view file) {
    CompactReader reader;
    const auto read =
        read_document(text, file, [&reader](const DocumentNode& root) { reader.read(root); });
    if (!read) return base::Failure{read.error()};
    return std::move(reader.result);
}

}  // namespace crossclear::app
