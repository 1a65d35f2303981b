#include "api/auth.hpp"

#include "base/check.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>

namespace crossclear::api {
namespace {

constexpr std::size_t secret_bytes = 32;
constexpr std::string_view demo_prefix = "demo:";

std::string random_bytes(std::size_t count) {
    std::string bytes(count, '\0');
    const int done =
        RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count));
    CHECK(done == 1, "a secret without randomness is no secret");
    return bytes;
}

std::string sha256(std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    const int done =
        EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
    CHECK(done == 1, "SHA-256 is always there");
    return {reinterpret_cast<const char*>(digest.data()), size};
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Error token_refused(std::string reason, std::string expected) {
    return {
        .code = ErrorCode::bad_token, .reason = std::move(reason), .expected = std::move(expected)};
}

std::string lower(std::string_view text) {
    std::string out{text};
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

}  // namespace

std::string hmac_sha256(std::string_view key, std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    const auto* done = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                            reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                            digest.data(), &size);
    CHECK(done != nullptr, "HMAC-SHA256 is always there");
    return {reinterpret_cast<const char*>(digest.data()), size};
}

std::string to_hex(std::string_view bytes) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        text += digits[byte >> 4];
        text += digits[byte & 0xF];
    }
    return text;
}

std::string sign_login(std::string_view secret, base::Timestamp at, std::string_view nonce,
                       std::string_view data) {
    std::string text = std::to_string(at.us);
    text += '\n';
    text += nonce;
    text += '\n';
    text += data;
    return to_hex(hmac_sha256(secret, text));
}

bool is_same(const ApiKey& a, const ApiKey& b) {
    return equal_in_constant_time(a.secret, b.secret) && a.identity.key == b.identity.key &&
           a.identity.accounts == b.identity.accounts && a.identity.service == b.identity.service;
}

void KeyStore::derive_with(Derivation derivation) {
    const std::unique_lock lock{mutex_};
    derivation_ = std::move(derivation);
}

void KeyStore::replace(std::vector<ApiKey> keys, Derivation derivation) {
    const std::unique_lock lock{mutex_};
    keys_.clear();
    for (auto& key : keys) {
        auto id = key.id;
        keys_.insert_or_assign(std::move(id), std::make_shared<const ApiKey>(std::move(key)));
    }
    derivation_ = std::move(derivation);
    ++version_;
}

bool KeyStore::is_current(const ApiKey& key) const {
    const auto now = find(key.id);
    return now != nullptr && is_same(*now, key);
}

void KeyStore::add(ApiKey key) {
    const std::unique_lock lock{mutex_};
    auto id = key.id;
    keys_.insert_or_assign(std::move(id), std::make_shared<const ApiKey>(std::move(key)));
}

std::shared_ptr<const ApiKey> KeyStore::find(std::string_view id) const {
    const std::shared_lock lock{mutex_};
    const auto found = keys_.find(id);
    if (found != keys_.end()) return found->second;
    if (!derivation_) return nullptr;
    auto derived = derivation_(id);
    return derived ? std::make_shared<const ApiKey>(std::move(*derived)) : nullptr;
}

std::string demo_secret(std::string_view master, std::string_view key_id) {
    return to_hex(hmac_sha256(master, key_id));
}

KeyStore::Derivation demo_keys(std::string master, std::function<bool(base::AccountId)> exists) {
    return [master = std::move(master),
            exists = std::move(exists)](std::string_view id) -> std::optional<ApiKey> {
        if (!id.starts_with(demo_prefix)) return std::nullopt;
        const auto account = base::parse_account_id(id.substr(demo_prefix.size()));
        if (!account || !exists(*account)) return std::nullopt;
        const auto scopes =
            static_cast<std::uint16_t>(static_cast<unsigned>(actors::Scope::viewer) |
                                       static_cast<unsigned>(actors::Scope::trader) |
                                       static_cast<unsigned>(actors::Scope::withdraw));
        return ApiKey{
            .id = std::string{id},
            .secret = demo_secret(master, id),
            .identity = {.key = std::string{id}, .accounts = {{*account, scopes}}, .service = 0}};
    };
}

Authenticator::Authenticator(const KeyStore& keys, AuthOptions options)
    : keys_(keys), options_(options), decoy_(random_bytes(secret_bytes)) {}

base::Result<Login, Error> Authenticator::sign_in(const SignedLogin& login, base::Timestamp now) {
    const bool is_recent =
        login.at + options_.timestamp_window >= now && now + options_.timestamp_window >= login.at;
    if (!is_recent) {
        return base::Failure{
            token_refused("timestamp_outside_window",
                          "microseconds UTC within 30 seconds of the server's clock")};
    }
    auto key = keys_.find(login.key_id);
    // A key that does not exist is checked as well, against a secret nobody knows.
    const auto decoy = to_hex(hmac_sha256(decoy_, login.key_id));
    const std::string_view secret = key ? std::string_view{key->secret} : std::string_view{decoy};
    const auto expected = sign_login(secret, login.at, login.nonce, login.data);
    const bool is_genuine = equal_in_constant_time(expected, lower(login.signature));
    if (!is_genuine || !key) {
        return base::Failure{token_refused("unknown_key_or_signature",
                                           "hex HMAC-SHA256 over timestamp, nonce and data")};
    }
    if (auto fault = remember_nonce(login, now)) return base::Failure{std::move(*fault)};
    return issue(std::move(key), now);
}

std::optional<Error> Authenticator::remember_nonce(const SignedLogin& login, base::Timestamp now) {
    const std::lock_guard lock{mutex_};
    while (!nonces_by_expiry_.empty() && nonces_by_expiry_.begin()->first < now) {
        const auto& use = nonces_by_expiry_.begin()->second;
        const auto of_key = nonces_of_key_.find(use.substr(0, use.find('\n')));
        if (--of_key->second == 0) nonces_of_key_.erase(of_key);
        nonces_.erase(use);
        nonces_by_expiry_.erase(nonces_by_expiry_.begin());
    }
    // A key's id holds no line break, so this pair has one spelling.
    auto use = std::string{login.key_id} + '\n' + std::string{login.nonce};
    if (nonces_.contains(use)) return token_refused("nonce_replayed", "a nonce not used before");
    auto& of_key = nonces_of_key_[std::string{login.key_id}];
    if (nonces_.size() >= options_.nonces_max || of_key >= options_.nonces_per_key_max) {
        if (of_key == 0) nonces_of_key_.erase(std::string{login.key_id});
        return Error{
            .code = ErrorCode::overloaded, .reason = "too_many_logins", .is_retryable = true};
    }
    ++of_key;
    // It must be known for as long as its timestamp would still be accepted.
    const auto expires_at = login.at + options_.timestamp_window + base::milliseconds(1);
    nonces_by_expiry_.emplace(expires_at, use);
    nonces_.emplace(std::move(use), expires_at);
    return std::nullopt;
}

Login Authenticator::issue(std::shared_ptr<const ApiKey> key, base::Timestamp now) {
    auto token = to_hex(random_bytes(secret_bytes));
    auto hash = sha256(token);
    const auto expires_at = now + options_.token_lifetime;
    Login login{.key = std::move(key),
                .refresh_token = std::move(token),
                .token_hash = hash,
                .token_expires_at = expires_at};
    const std::lock_guard lock{mutex_};
    while (!grants_by_expiry_.empty() && (grants_by_expiry_.begin()->first < now ||
                                          grants_by_expiry_.size() >= options_.tokens_max)) {
        grants_.erase(grants_by_expiry_.begin()->second);
        grants_by_expiry_.erase(grants_by_expiry_.begin());
    }
    grants_by_expiry_.emplace(expires_at, hash);
    grants_.emplace(std::move(hash), Grant{.key = login.key, .expires_at = expires_at});
    return login;
}

base::Result<Login, Error> Authenticator::refresh(std::string_view token, base::Timestamp now) {
    const auto refused = [] {
        return base::Failure{
            token_refused("unknown_refresh_token", "a token that is not used yet")};
    };
    std::shared_ptr<const ApiKey> before;
    {
        const std::lock_guard lock{mutex_};
        const auto found = grants_.find(sha256(token));
        if (found == grants_.end()) return refused();
        const auto grant = std::move(found->second);
        grants_.erase(found);
        if (grant.expires_at < now) return refused();
        before = grant.key;
    }
    // A token is no way around a secret that was changed because somebody else knows it.
    auto key = keys_.find(before->id);
    if (!key || !equal_in_constant_time(key->secret, before->secret)) return refused();
    return issue(std::move(key), now);
}

void Authenticator::revoke(const std::string& token_hash) {
    const std::lock_guard lock{mutex_};
    grants_.erase(token_hash);
}

}  // namespace crossclear::api
