#pragma once

#include "actors/gateway.hpp"
#include "api/errors.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

/// Who a client is. A client signs a timestamp, a nonce and optional data with its secret; the
/// secret itself never travels.

namespace crossclear::api {

/// HMAC-SHA256, 32 raw bytes.
[[nodiscard]] std::string hmac_sha256(std::string_view key, std::string_view text);
/// Lower-case hexadecimal.
[[nodiscard]] std::string to_hex(std::string_view bytes);
/// What a client sends as `signature`: hex HMAC-SHA256 over `timestamp "\n" nonce "\n" data`.
[[nodiscard]] std::string sign_login(std::string_view secret, base::Timestamp at,
                                     std::string_view nonce, std::string_view data);

/// A client's credentials and what they are good for.
struct ApiKey {
    std::string id;
    std::string secret;
    actors::Identity identity;
};

/// Whether both have the same secret and are good for the same.
[[nodiscard]] bool is_same(const ApiKey& a, const ApiKey& b);

/// The keys there are: a table, and optionally a function for families of keys too many to list.
/// May be replaced as a whole while it is in use. **Thread:** any.
class KeyStore {
public:
    using Derivation = std::function<std::optional<ApiKey>(std::string_view id)>;

    /// Puts a key into the table, in place of one with its id.
    void add(ApiKey key);
    /// Asked for ids that are not in the table.
    void derive_with(Derivation derivation);
    /// Puts other keys in place of all there are; whoever logged in with one that is gone or
    /// changed is closed by the server.
    void replace(std::vector<ApiKey> keys, Derivation derivation);
    /// The key of that id, null where there is none.
    [[nodiscard]] std::shared_ptr<const ApiKey> find(std::string_view id) const;
    /// Whether a key is still the one it was when it was found.
    [[nodiscard]] bool is_current(const ApiKey& key) const;
    /// Grows with every replacement.
    [[nodiscard]] std::uint64_t version() const noexcept { return version_.load(); }

private:
    struct TextHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept {
            return std::hash<std::string_view>{}(text);
        }
    };
    mutable std::shared_mutex mutex_;
    std::unordered_map<std::string, std::shared_ptr<const ApiKey>, TextHash, std::equal_to<>> keys_;
    Derivation derivation_;
    std::atomic<std::uint64_t> version_{};
};

/// The secret of a demo key, for both ends: hex HMAC of the id under the master secret.
[[nodiscard]] std::string demo_secret(std::string_view master, std::string_view key_id);
/// Keys `demo:<account>` with scopes viewer, trader and withdraw on that one account, which must
/// pass `exists`. For the demo only: whoever has `master` has every account.
[[nodiscard]] KeyStore::Derivation demo_keys(std::string master,
                                             std::function<bool(base::AccountId)> exists);

/// How long logins and tokens last, and how many are remembered.
struct AuthOptions {
    base::Duration timestamp_window = base::seconds(30);  ///< To either side of our clock.
    base::Duration token_lifetime = base::seconds(24 * 3'600);
    std::size_t nonces_max = 200'000;         ///< Remembered logins; beyond it all are refused.
    std::size_t nonces_per_key_max = 20'000;  ///< Of one key; beyond it the key's are refused.
    std::size_t tokens_max = 200'000;         ///< Refresh tokens; beyond it the oldest go.
};

/// A login that succeeded.
struct Login {
    std::shared_ptr<const ApiKey> key;
    std::string refresh_token;  ///< 256 random bits; kept here only as a hash.
    std::string token_hash;     ///< What to revoke it by.
    base::Timestamp token_expires_at;
};

/// Checks logins and remembers what must not be used twice. **Thread:** any.
class Authenticator {
public:
    /// A login as `sign_login` signs it.
    struct SignedLogin {
        std::string_view key_id;
        base::Timestamp at;
        std::string_view nonce;
        std::string_view data;
        std::string_view signature;
    };

    Authenticator(const KeyStore& keys, AuthOptions options);

    /// **Errors:** bad_token, with the same reason and effort for an unknown key as for a wrong
    /// signature; overloaded where no further nonce can be remembered.
    [[nodiscard]] base::Result<Login, Error> sign_in(const SignedLogin& login, base::Timestamp now);
    /// Trades a refresh token for a new one; each works once.
    [[nodiscard]] base::Result<Login, Error> refresh(std::string_view token, base::Timestamp now);
    /// Forgets a token, by its hash.
    void revoke(const std::string& token_hash);

private:
    struct Grant {
        std::shared_ptr<const ApiKey> key;
        base::Timestamp expires_at;
    };

    [[nodiscard]] std::optional<Error> remember_nonce(const SignedLogin& login,
                                                      base::Timestamp now);
    [[nodiscard]] Login issue(std::shared_ptr<const ApiKey> key, base::Timestamp now);

    const KeyStore& keys_;
    AuthOptions options_;
    std::string decoy_;  ///< Makes a secret for keys that do not exist.

    std::mutex mutex_;
    std::unordered_map<std::string, base::Timestamp> nonces_;  ///< By key and nonce.
    std::unordered_map<std::string, std::size_t> nonces_of_key_;
    std::multimap<base::Timestamp, std::string> nonces_by_expiry_;
    std::unordered_map<std::string, Grant> grants_;  ///< By hash of the token.
    std::multimap<base::Timestamp, std::string> grants_by_expiry_;
};

}  // namespace crossclear::api
