#pragma once

#include "app/config.hpp"
#include "base/result.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Files whose keys are data, like `{"BTC": 1}`, read as strictly as a configuration: JSON or YAML,
/// since the one is the other's flow form. Faults gather; what is faulty reads as nothing, so that
/// one slip is one fault.

namespace crossclear::app {

/// Smallest and largest number that is taken.
struct NumberBounds {
    double min{};
    double max{};
};

/// One value of a document, and where it stands.
class DocumentNode {
public:
    /// What stands behind it; YAML stays in the source file.
    struct Impl;
    /// Entries of a list or mapping where its reader names no other maximum.
    static constexpr std::size_t entries_max = 100'000;

    explicit DocumentNode(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

    /// Where it is, like `params.wrap.BTC[1]`, and what.
    [[nodiscard]] const std::string& path() const;
    [[nodiscard]] int line() const;
    [[nodiscard]] bool is_null() const;
    [[nodiscard]] bool is_mapping() const;
    /// A number within bounds; 0 and a fault where it is none.
    [[nodiscard]] double number(const NumberBounds& bounds) const;
    /// A text; empty and a fault where it is none.
    [[nodiscard]] std::string text() const;
    /// A text that may be empty; a fault where it is none.
    [[nodiscard]] std::string scalar() const;
    /// A whole number within bounds, as `number`.
    [[nodiscard]] double whole(const NumberBounds& bounds) const;
    /// The entries of a list; none and a fault where it is none, or has more than `max`.
    [[nodiscard]] std::vector<DocumentNode> items(std::size_t max = entries_max) const;
    /// Keys and values in the order of the file; a key that comes twice is a fault, and so are more
    /// than `max`.
    [[nodiscard]] std::vector<std::pair<std::string, DocumentNode>> members(
        std::size_t max = entries_max) const;
    /// Adds a fault of this place.
    void complain(std::string says) const;

private:
    std::shared_ptr<const Impl> impl_;
};

/// A mapping whose keys are known: what is missing is a fault, and so is what is left.
class DocumentObject {
public:
    explicit DocumentObject(const DocumentNode& node);

    /// The value, or nothing and a fault.
    [[nodiscard]] const DocumentNode* required(std::string_view key);
    /// The value, or nothing.
    [[nodiscard]] const DocumentNode* optional(std::string_view key);
    /// A number that must be there.
    [[nodiscard]] double number(std::string_view key, const NumberBounds& bounds);
    /// A whole number that must be there.
    [[nodiscard]] double whole(std::string_view key, const NumberBounds& bounds);
    /// A number that may be there.
    [[nodiscard]] double number_or(std::string_view key, double otherwise,
                                   const NumberBounds& bounds);
    /// A text that must be there.
    [[nodiscard]] std::string text(std::string_view key);
    /// To be called last: keys that nobody asked for are faults.
    void finish() const;

private:
    DocumentNode node_;
    std::map<std::string, DocumentNode, std::less<>> members_;
    std::set<std::string, std::less<>> known_;
};

/// Reads one document and hands its root on. **Errors:** all faults, in the order of their lines;
/// an alias is one.
[[nodiscard]] base::Result<void, ConfigError> read_document(
    const std::string& text, std::string_view file,
    const std::function<void(const DocumentNode&)>& read);

}  // namespace crossclear::app
