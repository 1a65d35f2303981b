#pragma once

#include "base/amount.hpp"
#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/listing.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "risk/kernel/universe.hpp"
#include "risk/parameters.hpp"
#include "shards/simulated/endpoint.hpp"
#include "shards/simulated/parameters.hpp"
#include "store/redis/options.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// Everything a node is told before it starts, from one strict YAML file. The keys of the file are
/// in config_fields.hpp, the ways of writing a value in config_codecs.hpp, and a whole example in
/// deploy/config/example.yaml.

namespace crossclear::app {

/// Where the journal is kept.
struct JournalConfig {
    /// How many instances there are, and who runs them.
    enum class Mode : std::uint8_t {
        embedded,  ///< redis-servers of our own in `data_dir`.
        single,    ///< One instance that somebody else runs.
        quorum,    ///< Several independent ones; a majority decides.
    };
    Mode mode{Mode::embedded};
    std::uint16_t instances{1};  ///< embedded: how many; odd.
    /// Who answers for the settings of Redis.
    enum class Settings : std::uint8_t {
        checked,  ///< Those that the journal needs are asked for, and refused where they differ.
        trusted,  ///< single: those that may not be asked for are right, the operator says.
    };
    Settings settings{Settings::checked};
    store::Endpoint endpoint;                ///< single: where it listens.
    std::vector<store::Endpoint> endpoints;  ///< quorum: an odd number.
    /// What changed is stored after so many records of a partition, or after so long.
    std::uint32_t snapshot_records{10'000};
    std::uint32_t snapshot_events{100'000};
    base::Duration snapshot_every{base::seconds(60)};
    bool is_trimmed{};      ///< Records that every snapshot has passed are dropped.
    std::string archive{};  ///< Directory to which they are written before; empty: they are gone.
};

/// What the api takes from its clients before it says no.
struct ApiLimits {
    std::uint32_t connections_max{10'000};
    std::uint32_t connections_unauthenticated_max{1'000};
    std::uint32_t connections_per_address_max{256};
    std::uint32_t connections_per_key_max{256};
    std::uint32_t requests_in_flight_max{1'024};  ///< Of one connection.
    std::uint32_t credits_per_second{10'000};     ///< Refill of a key's leaky bucket, per class.
    std::uint32_t credits_burst{20'000};          ///< Its size.
    base::Duration handshake_timeout{base::seconds(10)};
    base::Duration auth_timeout{base::seconds(30)};
    base::Duration message_timeout{base::seconds(10)};  ///< For the rest of a started message.
    base::Duration idle_timeout{base::seconds(120)};
};

/// Where the api listens. Port 0 takes any that is free.
struct ApiConfig {
    std::string address{"127.0.0.1"};
    std::uint16_t port{7400};
    std::string ops_address{"127.0.0.1"};
    std::uint16_t ops_port{7401};
    std::vector<std::string> allowed_origins;  ///< Empty refuses every request that names one.
    ApiLimits limits;
};

/// How large a residual exposure may stay unhedged. **Units:** USD cents.
struct HedgeBand {
    base::AssetId asset;
    std::int64_t band_cents{};
};

/// How a broker lays its residuals off.
struct HedgeProfile {
    std::vector<HedgeBand> bands;    ///< One per asset whose exposure is hedged.
    std::int64_t slice_max_cents{};  ///< The most one order takes.
    std::uint32_t slices{1};         ///< How many a task is cut into, at most.
    base::Duration spread_time;      ///< Over which they are sent.
    base::Duration deadline;         ///< After which a task expires and is netted again.
    base::Ppm price_bound;           ///< How far from the mark an order may still fill.
};

/// Whose money a broker starts with.
enum class CapitalSource : std::uint8_t { capital, insurance, fund };

/// One payment into a broker's books when a cluster is created.
struct CapitalLine {
    base::ShardId shard;
    base::AssetId asset;
    base::Amount amount;
    CapitalSource source{CapitalSource::capital};
};

/// What a broker keeps posted at a venue: a share of its position's value there, at least `amount`.
struct VenueMargin {
    base::ShardId shard;
    base::AssetId asset;
    base::Amount amount;
    base::Ppm share{200'000};
    base::Ppm slack{250'000};  ///< How far from that it may stray before tokens move.
};

/// How much of all its clients' business a broker takes on. 0: no cap.
struct BrokerCaps {
    /// On one shard.
    struct Shard {
        base::ShardId shard;
        std::int64_t unsettled_cents{};  ///< Claims on tokens that are traded there.
        std::int64_t exposure_cents{};   ///< The broker's own holdings, posted margin among them.
        std::uint32_t orders_per_second{};  ///< That are handed over to it.
    };
    /// On what one protocol issues or hosts, and an instrument trades.
    struct Protocol {
        std::string name;
        std::int64_t exposure_cents{};  ///< What all accounts hold and owe of it, gross.
    };
    std::int64_t unsettled_cents{};  ///< Claims of all accounts.
    std::int64_t exposure_cents{};   ///< What all accounts hold and owe, gross, but money.
    std::vector<Shard> shards;
    std::vector<Protocol> protocols;
};

/// What makes one broker differ from the next. Its position in the file is its number.
struct BrokerProfile {
    std::string name;
    std::vector<base::InstrumentId> instruments;  ///< What it offers.
    base::Ppm fee;                                ///< Of the notional.
    std::int64_t fee_floor_cents{};
    /// For so long a trade's risk is expected to stay, by what is traded.
    std::array<std::uint32_t, base::instrument_kinds> holding_days{10, 10, 10, 10, 10};
    std::int64_t trade_notional_max_cents{};
    std::int64_t account_notional_max_cents{};
    std::int64_t account_unsettled_max_cents{};
    base::Duration settle_within;  ///< From a trade until its claim is overdue.
    base::Duration cash_settle_after{base::seconds(300)};  ///< From then until it is paid at mark.
    base::Duration withdrawal_delay;
    base::Ppm withdrawal_gate_per_hour;       ///< Share of its holding per asset.
    base::Ppm withdrawal_gate_per_day;        ///< At least the hour's.
    bool is_close_only{};                     ///< Only trades that reduce risk are accepted.
    base::Ppm house_protocol_share{250'000};  ///< Of the waterfall: what one protocol may cost,
    base::Ppm house_client_share{100'000};    ///< and what one client may, stressed.
    std::optional<BrokerCaps> caps;
    /// In place of the configuration's, for this broker's clients.
    std::optional<risk::kernel::Universe> universe;
    HedgeProfile hedge;
    std::vector<CapitalLine> capital;
    std::vector<VenueMargin> venue_margin;
};

/// One API key. Scopes are bits of `actors::Scope`.
struct KeyConfig {
    std::string id;
    std::string secret;
    std::map<base::AccountId, std::uint16_t> accounts;  ///< Scopes per account.
    std::uint16_t service{};                            ///< Scopes beyond accounts.
};

/// How the actors run.
struct ActorsConfig {
    /// How CAF's workers find work.
    enum class Policy : std::uint8_t { stealing, sharing };
    std::uint32_t threads{};                        ///< 0: one per processor.
    base::Duration idle_after{base::seconds(300)};  ///< When an idle account is passivated.
    Policy policy{Policy::sharing};  ///< Stealing workers poll, and an idle node would be busy.
};

/// How the generator moves the price of everything that follows one underlying.
struct PriceWalk {
    std::string underlying;      ///< `BTC`, as assets name it.
    base::Price start;           ///< USD per unit.
    base::Ppm daily_volatility;  ///< Standard deviation of a day's move.
};

/// Where marks come from, besides clients with the scope `oracle`.
struct MarksConfig {
    /// Where prices come from: nowhere, a file, or chance.
    enum class Source : std::uint8_t { none, csv, generator };
    Source source{Source::none};
    std::string path;      ///< csv: the file.
    std::string from;      ///< csv: first hour, as the file writes it; empty: its start.
    std::string until;     ///< csv: the first hour not to read; empty: its end.
    std::uint64_t seed{};  ///< generator.
    base::Duration step{base::seconds(60)};  ///< generator: market time between two ticks.
    std::vector<PriceWalk> walks;            ///< generator: one per underlying.
    std::uint32_t speed{1};                  ///< Market seconds that pass in a second.
    base::Ppm funding_per_day{};             ///< What perpetuals' longs pay shorts, of the price.
};

/// What the stress book is stressed by, beyond what is the same for everyone.
struct StressConfig {
    /// Whose column stands for a coin or a wrapper.
    struct Column {
        std::string of;
        std::string column;

        friend bool operator==(const Column&, const Column&) = default;
    };
    base::Duration oracle_frozen{base::seconds(86'400)};
    std::string prices;           ///< A file of what once happened; empty: no paths.
    std::vector<Column> columns;  ///< Where that is not its own name.

    friend bool operator==(const StressConfig&, const StressConfig&) = default;
};

/// Who signs for one broker on all chains: another process, or a key in this one.
struct SignerConfig {
    std::string broker;
    std::string development_key;  ///< 32 bytes in hex. Whoever reads our memory has it.
    std::string url;              ///< Of a remote signer.
    /// PEM files for TLS to it; the first two, or neither.
    std::string certificate;
    std::string key;
    std::string authority;
};

/// How one real chain is asked.
struct ChainEndpoints {
    base::ShardId shard;
    std::vector<std::string> urls;  ///< In the order of preference.
    std::string authority;          ///< A PEM file, besides the system's.
};

/// Real chains, in place of the simulated ones.
struct ChainsConfig {
    std::string site;  ///< The file that deploy/chain/site.mjs writes: what was deployed where.
    std::vector<ChainEndpoints> endpoints;  ///< Where they are not those of the file.
    std::vector<SignerConfig> signers;      ///< One for each broker.
    std::uint32_t fee_max_gwei{500};        ///< What no transaction offers more than,
    std::uint32_t tip_max_gwei{50};         ///< and of it for whoever makes the block;
    std::uint32_t tip_min_gwei{1};          ///< and none offers that one less.
    std::uint64_t finality_blocks{};  ///< A block so deep is final; 0: as the chain's nodes say.
    base::Duration poll{base::milliseconds(500)};  ///< Besides the heads that nodes tell.
    /// Clients that pay in, makers and the bridges' relayer are played by the service: on anvil
    /// alone.
    bool has_outsiders{};
};

/// Where the outside world is.
struct WorldPlace {
    /// Which one it is.
    enum class Mode : std::uint8_t {
        inside,  ///< Simulated, in the service's own process.
        remote,  ///< Simulated by `crossclear world`, for one service or several.
        chains,  ///< Real chains.
    };
    Mode mode{Mode::inside};
    shards::simulated::Endpoint endpoint;  ///< remote: where it listens.
    ChainsConfig chains;                   ///< chains: which.
};

/// How this node takes part in a cluster of several.
struct NodeConfig {
    /// Whether there are others.
    enum class Mode : std::uint8_t {
        alone,    ///< It owns every partition.
        cluster,  ///< It shares them with the others on the same journal.
    };
    Mode mode{Mode::alone};
    std::string name;     ///< Unique among the nodes.
    std::string address;  ///< Where it listens for the others.
    std::uint16_t port{};
    std::string advertised;                  ///< host:port for the others; empty: the two above.
    base::Duration lease{base::seconds(2)};  ///< Without a sign of life so long, it is replaced.
    /// PEM files, all or none. With them the nodes speak TLS, and only with those whose certificate
    /// the authority has signed.
    std::string certificate;
    std::string key;
    std::string authority;
};

/// A whole configuration. One that was loaded is without fault; see `faults_of`.
struct Config {
    std::string cluster{"crossclear"};
    std::uint16_t partitions{base::limits::partitions_default};
    std::filesystem::path data_dir;
    JournalConfig journal;
    ApiConfig api;
    ActorsConfig actors;
    MarksConfig marks;
    base::Listing listing;
    /// The CSV column of each asset's price, in listing order. Empty: it is a dollar, or stays
    /// without a price from the file.
    std::vector<std::string> price_columns;
    base::Duration mark_age_max{base::seconds(60)};
    risk::kernel::Universe universe;  ///< How what is listed may move, and who may fail.
    std::optional<StressConfig> stress;
    std::vector<BrokerProfile> brokers;
    /// The chains of the simulated world, one per shard; their genesis is left empty and comes
    /// from the brokers' capital, see `chains_of`.
    std::vector<shards::simulated::ChainParameters> chains;
    WorldPlace world;
    NodeConfig node;
    std::vector<KeyConfig> keys;
    /// Demo only: from it a key of every account is derived. Empty switches that off.
    std::string demo_master_secret;
};

/// One thing that is wrong with a file.
struct ConfigFault {
    int line{};        ///< From 1; 0 where there is none.
    std::string path;  ///< `brokers[0].fee_ppm`; empty for the whole file.
    std::string says;  ///< What was expected.

    friend bool operator==(const ConfigFault&, const ConfigFault&) = default;
};

/// All that could be found wrong with a file at once, in the order of its lines.
struct ConfigError {
    std::string file;
    std::vector<ConfigFault> faults;
};

/// One line per fault: `file:line: path: what was expected`.
[[nodiscard]] std::string to_string(const ConfigError& error);

/// Whether the files of TLS that a configuration names are looked at. Who starts or checks a
/// service does; who reads keys again, or another machine's configuration, has to do without.
enum class NamedFiles : std::uint8_t { left_alone, looked_at };

/// Reads a file. Nothing is guessed: an unknown or repeated key, a missing value, a wrong type, a
/// value out of range and parts that contradict each other are refused.
[[nodiscard]] base::Result<Config, ConfigError> load_config(
    const std::filesystem::path& path, NamedFiles files = NamedFiles::left_alone);

/// Reads a text; `file` is only its name in errors.
[[nodiscard]] base::Result<Config, ConfigError> parse_config(
    const std::string& text, std::string_view file, NamedFiles files = NamedFiles::left_alone);

/// Writes a configuration as the YAML that `parse_config` reads, secrets included.
/// **Requires:** ids inside the listing.
[[nodiscard]] std::string dump_config(const Config& config);

/// What is wrong with a file, or `ok`.
struct ConfigReport {
    bool is_ok{};
    std::string text;
};
/// What `--check-config` prints: `ok`, or all faults.
[[nodiscard]] ConfigReport check_config(const std::filesystem::path& path);

/// What contradicts itself across a configuration, by path; lines are 0.
[[nodiscard]] std::vector<ConfigFault> faults_of(const Config& config);

/// What contradicts itself in `world`, where it is real chains.
[[nodiscard]] std::vector<ConfigFault> faults_of_chains(const Config& config);

/// Which files of TLS that `world` names cannot be used, where it is real chains; by path.
/// **Requires:** a configuration that does not contradict itself.
[[nodiscard]] std::vector<ConfigFault> faults_of_files(const Config& config);

/// Whether the file of prices that `risk.stress` names is read.
enum class StressPaths : std::uint8_t { left_out, of_file };

/// Each broker's risk parameters in the form the model wants, in the brokers' order; those without
/// a universe of their own share one. **Errors:** what is wrong with a universe or does not fit the
/// listing, or with the file of prices. **Requires:** a listing without fault.
[[nodiscard]] base::Result<std::vector<std::shared_ptr<const risk::Parameters>>,
                           std::vector<ConfigFault>>
risk_parameters_of(const Config& config, StressPaths paths);

/// The simulated chains with each broker's capital as its holding in the genesis block.
[[nodiscard]] std::vector<shards::simulated::ChainParameters> chains_of(const Config& config);

/// What `crossclear demo` was asked for.
struct DemoOptions {
    std::uint64_t trades{};  ///< 0: until the duration is over.
    std::uint64_t accounts{100};
    std::string prices;       ///< A CSV; empty: generated.
    std::string prices_from;  ///< The first hour to take from it; empty: its start.
    std::uint64_t seed{1};
    std::filesystem::path data_dir{"crossclear-demo"};
    base::Duration duration;  ///< 0: until the trades are done.
    std::uint16_t redis{};    ///< Instances; 0: as many as the directory has, else one.
    std::string chains{};     ///< A site's file: real chains in place of simulated ones.
};

/// Two brokers and three simulated shards with the specification's default parameters.
[[nodiscard]] Config demo_config(const DemoOptions& options);

/// Makes the demo's configuration that of real chains, which deploy/chain/site.mjs has started.
void put_demo_on_chains(Config& config, const std::string& site);

}  // namespace crossclear::app
