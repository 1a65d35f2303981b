#pragma once

#include "api/errors.hpp"
#include "base/command_id.hpp"
#include "base/ids.hpp"
#include "base/listing.hpp"

#include <boost/json/object.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace crossclear::api {

/// Reads the named parameters of one request. The first fault sticks and every later read gives a
/// neutral value, so a method reads everything and looks once, through `fault()`.
class Params {
public:
    /// Which amounts a field takes.
    enum class Sign : std::uint8_t { positive, not_negative, any };

    explicit Params(const boost::json::object& object) : object_(object) {}

    /// Whether the field is there; it then counts as known.
    [[nodiscard]] bool has(std::string_view field);
    /// A string of 1 to `size_max` bytes.
    [[nodiscard]] std::string_view text(std::string_view field, std::size_t size_max);
    /// The same, or empty, and `otherwise` where the field is missing.
    [[nodiscard]] std::string_view text_or(std::string_view field, std::size_t size_max,
                                           std::string_view otherwise);
    /// A number from `low` to `high`; `low` after a fault.
    [[nodiscard]] std::int64_t integer(std::string_view field, std::int64_t low, std::int64_t high);
    /// Where the field is missing, `otherwise`.
    [[nodiscard]] std::int64_t integer_or(std::string_view field, std::int64_t low,
                                          std::int64_t high, std::int64_t otherwise);
    [[nodiscard]] bool boolean_or(std::string_view field, bool otherwise);
    /// A decimal string as a count of 10^-scale.
    [[nodiscard]] std::int64_t amount(std::string_view field, int scale,
                                      Sign sign = Sign::positive);
    /// Ids and symbols in their fields of fixed names, but for an account's. What is not listed is
    /// a fault.
    [[nodiscard]] base::AccountId account(std::string_view field = "account");
    [[nodiscard]] base::CommandId client_id();
    [[nodiscard]] base::InstrumentId instrument(const base::Listing& listing);
    [[nodiscard]] base::AssetId asset(const base::Listing& listing);
    [[nodiscard]] base::ShardId shard(const base::Listing& listing);
    /// 1 to `count_max` strings of at most 128 bytes.
    [[nodiscard]] std::vector<std::string_view> texts(std::string_view field,
                                                      std::size_t count_max);
    /// 1 to `count_max` objects.
    [[nodiscard]] std::vector<const boost::json::object*> objects(std::string_view field,
                                                                  std::size_t count_max);
    /// An object, null where the field is missing.
    [[nodiscard]] const boost::json::object* object_or_null(std::string_view field);

    /// Records a fault of meaning rather than of form; the first fault stays.
    void refuse(ErrorCode code, std::string reason, std::string_view field, std::string expected,
                std::string got = {});

    /// The first fault, unknown fields included; to be asked after every read.
    [[nodiscard]] std::optional<Error> fault();

private:
    const boost::json::value* find(std::string_view field, bool is_required);
    void wrong_type(std::string_view field, std::string expected, const boost::json::value& value);

    static constexpr std::size_t fields_max = 16;

    const boost::json::object& object_;
    std::array<std::string_view, fields_max> asked_{};
    std::size_t asked_count_{};
    std::size_t found_count_{};
    std::optional<Error> fault_;
};

/// The id of a trade, a withdrawal or a transfer, apart.
struct NumberedId {
    base::AccountId account;
    std::uint64_t number{};
};
/// Reads and writes `<account>-<letter><number>`, the id of a trade (t), withdrawal (w) or transfer
/// (x).
[[nodiscard]] std::optional<NumberedId> parse_numbered_id(std::string_view text, char letter);
[[nodiscard]] std::string numbered_id(base::AccountId account, char letter, std::uint64_t number);

}  // namespace crossclear::api
