// SPDX-License-Identifier: MIT
// What a peer in C++ shares with the others: the steps it plays, and its record, a line for each
// thing sent or received: "CONNECTION sent|recv OPCODE HEX".
#pragma once
#include <cstdio>
#include <fstream>
#include <mutex>
#include <string>
#include <vector>

inline FILE *record_file;
inline std::mutex record_lock;

inline void record(const std::string &conn, const char *side, int opcode,
                   const std::string &payload)
{
    std::lock_guard<std::mutex> hold(record_lock);
    fprintf(record_file, "%s %s %d ", conn.c_str(), side, opcode);
    for (unsigned char c : payload) fprintf(record_file, "%02x", c);
    fputc('\n', record_file);
    fflush(record_file);
}

inline std::string close_payload(int code, const std::string &reason)
{
    return code == 1005 || !code ? "" : std::string{(char)(code >> 8), (char)code} + reason;
}

// T text, B binary, P ping, C close, L leave without a word, W wait for the server; parts in hex.
struct step {
    char kind;
    std::vector<std::string> parts;
    int code() const
    {
        return parts[0].size() < 2 ? 0
                                   : (unsigned char)parts[0][0] << 8 | (unsigned char)parts[0][1];
    }
    std::string reason() const { return parts[0].size() < 2 ? "" : parts[0].substr(2); }
};

inline std::vector<step> read_steps(const char *path)
{
    std::vector<step> steps;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        step s{line[0], {}};
        for (size_t at = 1; at < line.size();) {
            size_t end = line.find(' ', at + 1);
            if (end == std::string::npos) end = line.size();
            std::string part;
            for (size_t i = at + 1; i + 1 < end; i += 2)
                part += (char)std::stoi(line.substr(i, 2), nullptr, 16);
            s.parts.push_back(part);
            at = end;
        }
        if (s.parts.empty()) s.parts.push_back("");
        steps.push_back(s);
    }
    return steps;
}
