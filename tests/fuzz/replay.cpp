#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

// A fuzzer without libFuzzer: takes each input of the directories it is given, whole, cut off at
// many places, and with one byte changed at many places. Whatever has been found once stays found,
// in every build and with every compiler. A failed check aborts, below the name of its input.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t cuts_max = 64;
constexpr std::array<char, 5> others{'\0', '"', '{', '-', '\xff'};

// `1a2b`, after whatever else stands on the line.
std::string bytes_of_hex(std::string_view line) {
    const auto space = line.find_last_of(' ');
    if (space != std::string_view::npos) line.remove_prefix(space + 1);
    std::string bytes;
    for (std::size_t i = 0; i + 1 < line.size(); i += 2) {
        bytes += static_cast<char>(std::stoi(std::string(line.substr(i, 2)), nullptr, 16));
    }
    return bytes;
}

// The file, or, of one in hexadecimal, what each line stands for.
std::vector<std::string> inputs_of(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    if (path.extension() != ".hex") {
        return {std::string(std::istreambuf_iterator<char>(in), {})};
    }
    std::vector<std::string> inputs;
    for (std::string line; std::getline(in, line);) inputs.push_back(bytes_of_hex(line));
    return inputs;
}

void take(std::string_view input) {
    // Of its own size, so that a sanitizer sees who reads beyond it.
    const std::vector<std::uint8_t> bytes(input.begin(), input.end());
    (void)LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

std::size_t take_all(const std::string& input) {
    std::size_t taken = 1;
    take(input);
    const std::size_t step = std::max<std::size_t>(1, input.size() / cuts_max);
    for (std::size_t at = 0; at < input.size(); at += step) {
        take(std::string_view(input).substr(0, at));
        std::string changed = input;
        changed[at] = others[at / step % others.size()];
        take(changed);
        taken += 2;
    }
    return taken;
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::filesystem::path> files;
    for (int i = 1; i < argc; ++i) {
        if (!std::filesystem::is_directory(argv[i])) continue;
        for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
            const bool is_text = entry.path().extension() == ".md";
            if (entry.is_regular_file() && !is_text) files.push_back(entry.path());
        }
    }
    if (files.empty()) {
        std::cerr << "there is nothing to replay; give directories with inputs\n";
        return 2;
    }
    std::sort(files.begin(), files.end());
    std::size_t taken = 0;
    for (const auto& file : files) {
        std::cout << file.filename().string() << std::endl;
        for (const auto& input : inputs_of(file)) taken += take_all(input);
    }
    std::cout << taken << " inputs of " << files.size() << " files were taken\n";
    return 0;
}
