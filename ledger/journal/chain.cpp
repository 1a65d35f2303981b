#include "ledger/journal/chain.hpp"

#include "base/check.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <memory>
#include <string>
#include <utility>

namespace crossclear::ledger::journal {
namespace {

// One running SHA-256, so that a payload of 256 KiB is hashed where it lies.
class Hasher {
public:
    Hasher() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
        CHECK(context_ != nullptr, "a digest context can be allocated");
        CHECK(EVP_DigestInit_ex(context_.get(), algorithm(), nullptr) == 1,
              "OpenSSL provides SHA-256");
    }

    Hasher& bytes(const void* data, std::size_t size) {
        CHECK(EVP_DigestUpdate(context_.get(), data, size) == 1, "hashing memory cannot fail");
        return *this;
    }

    Hasher& number(std::uint64_t value) {
        std::array<std::uint8_t, 8> big_endian{};
        for (std::size_t i = 0; i < big_endian.size(); ++i) {
            big_endian[i] = static_cast<std::uint8_t>(value >> (56 - 8 * i));
        }
        return bytes(big_endian.data(), big_endian.size());
    }

    Digest finish() {
        Digest digest{};
        unsigned int size = 0;
        CHECK(EVP_DigestFinal_ex(context_.get(), digest.data(), &size) == 1,
              "hashing memory cannot fail");
        CHECK(size == digest.size(), "SHA-256 has 32 bytes");
        return digest;
    }

private:
    // Fetching an algorithm by name costs more than hashing a small record: done once.
    static const EVP_MD* algorithm() {
        static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
        CHECK(sha256 != nullptr, "OpenSSL provides SHA-256");
        return sha256;
    }

    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace

Digest sha256(std::string_view bytes) {
    return Hasher{}.bytes(bytes.data(), bytes.size()).finish();
}

Nonce fresh_nonce() {
    Nonce nonce{};
    CHECK(RAND_bytes(nonce.data(), static_cast<int>(nonce.size())) == 1,
          "an owner's nonce is random");
    return nonce;
}

std::string to_hex(const Digest& digest) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(digest.size() * 2);
    for (const std::uint8_t byte : digest) {
        text.push_back(digits[byte >> 4]);
        text.push_back(digits[byte & 0x0F]);
    }
    return text;
}

Digest chain_digest(std::string_view cluster, base::PartitionId partition,
                    std::uint64_t record_epoch, std::uint64_t seq, const Digest& previous,
                    std::string_view payload) {
    return Hasher{}
        .number(cluster.size())
        .bytes(cluster.data(), cluster.size())
        .number(partition.v)
        .number(record_epoch)
        .number(seq)
        .bytes(previous.data(), previous.size())
        .bytes(payload.data(), payload.size())
        .finish();
}

Record next_record(std::string_view cluster, base::PartitionId partition, const Head& last,
                   std::uint64_t record_epoch, std::string payload) {
    CHECK(record_epoch >= last.record_epoch, "epochs only rise along a log");
    const std::uint64_t seq = last.seq + 1;
    const Digest head = chain_digest(cluster, partition, record_epoch, seq, last.head, payload);
    return Record{.head = {.record_epoch = record_epoch, .seq = seq, .head = head},
                  .payload = std::move(payload)};
}

bool is_linked(std::string_view cluster, base::PartitionId partition, const Head& previous,
               const Record& record) {
    return record.head.seq == previous.seq + 1 &&
           record.head.record_epoch >= previous.record_epoch &&
           record.head.head == chain_digest(cluster, partition, record.head.record_epoch,
                                            record.head.seq, previous.head, record.payload);
}

}  // namespace crossclear::ledger::journal
