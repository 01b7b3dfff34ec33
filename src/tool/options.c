/* SPDX-License-Identifier: MIT
 *
 * In: the command line of a trace. Out: struct wst_tool_options, by way of one table.
 * Refuses values that mean nothing. The letters are tcpdump's and mean what they mean there.
 */
#include "options.h"

#include "filter.h"
#include "say.h"

#include <stdlib.h>
#include <string.h>
#include <wstrace/wstrace.h>

static int take_dir(void *target, const char *text)
{
    struct wst_tool_options *o = target;

    if (o->dir != WST_DIR_NONE)
        return wst_tool_misuse("--dir is given twice; without it both directions are told");
    if (strcmp(text, "c2s") == 0)
        o->dir = WST_C2S;
    else if (strcmp(text, "s2c") == 0)
        o->dir = WST_S2C;
    else
        return wst_tool_misuse("--dir wants c2s or s2c, not '%s'", text);
    return 0;
}

static int take_colour(void *target, const char *text)
{
    static const char *const words[] = {"auto", "always", "never"};
    struct wst_tool_options *o = target;

    for (int i = 0; i < 3; i++)
        if (strcmp(text, words[i]) == 0) {
            o->colour = (enum wst_tool_colour)i;
            return 0;
        }
    return wst_tool_misuse("--color wants auto, always or never, not '%s'", text);
}

static int take_problems(void *target, const char *text)
{
    static const char *const words[] = {
        [WST_PROBLEMS_ALL] = "all", [WST_PROBLEMS_FIRST] = "first", [WST_PROBLEMS_NONE] = "none"};
    struct wst_tool_options *o = target;

    for (int i = 0; i < 3; i++)
        if (strcmp(text, words[i]) == 0) {
            o->problems = (enum wst_problems_told)i;
            return 0;
        }
    return wst_tool_misuse("--problems wants all, first or none, not '%s'", text);
}

/* The opcode of text[0..n): a name as the output writes it, or a number. -1: neither. */
static int opcode(const char *text, size_t n)
{
    char *end;
    unsigned long value;

    for (int i = 0; i < 16; i++) {
        const char *name = wst_opcode_name((uint8_t)i);
        if (strlen(name) == n && memcmp(name, text, n) == 0) return i;
    }
    if (n == 0 || text[0] < '0' || text[0] > '9') return -1;
    value = strtoul(text, &end, 0); /* 10 or 0xa */
    return end == text + n && value < 16 ? (int)value : -1;
}

static int take_ops(void *target, const char *text)
{
    struct wst_tool_options *o = target;

    for (const char *p = text;; p++) {
        size_t n = strcspn(p, ",");
        int op = opcode(p, n);
        if (op < 0)
            return wst_tool_misuse(
                "--op wants names (text, binary, continuation, close, ping, pong)"
                " or numbers 0 to 15, not '%.*s'",
                (int)n, p);
        o->ops |= (uint16_t)(1u << op);
        p += n;
        if (*p == '\0') return 0;
    }
}

static int add_item(void *target, int sort, const char *text)
{
    struct wst_tool_options *o = target;

    o->items[o->items_n].sort = sort;
    o->items[o->items_n++].text = text;
    return 0;
}

static int take_file(void *target, const char *text)
{
    return add_item(target, WST_TOOL_READ, text);
}
static int take_word(void *target, const char *text)
{
    return add_item(target, WST_TOOL_PLAIN_WORD, text);
}
static int take_file_filter(void *target, const char *text)
{
    return add_item(target, WST_TOOL_FILE_FILTER, text);
}

static int take_device(void *target, const char *text)
{
    struct wst_tool_options *o = target;

    for (size_t i = 0; i < o->devices_n; i++)
        if (strcmp(o->devices[i], text) == 0)
            return wst_tool_misuse("-i %s twice: each packet would be seen twice", text);
    o->devices[o->devices_n++] = text;
    return 0;
}

static int take_keylog(void *target, const char *text)
{
    struct wst_tool_options *o = target;

    o->keys.keylogs[o->keys.keylogs_n++] = text;
    return 0;
}
static int take_rsa_key(void *target, const char *text)
{
    struct wst_tool_options *o = target;

    o->keys.rsa_keys[o->keys.rsa_keys_n++] = text;
    return 0;
}

/* tcpdump's: millions of bytes, or with a letter powers of 1024. */
static int take_file_size(void *target, const char *text)
{
    struct wst_tool_options *o = target;
    char *end;
    unsigned long long n = strtoull(text, &end, 10), unit = 1000000;

    if (*end && strchr("kKmMgG", *end) && end[1] == '\0')
        unit = 1ull << (strchr("kK", *end) ? 10 : strchr("mM", *end) ? 20 : 30);
    else if (*end)
        n = 0;
    if (text[0] < '0' || text[0] > '9' || n == 0 || n > INT64_MAX / unit)
        return wst_tool_misuse("-C wants millions of bytes, or a size such as 64K, not '%s'", text);
    o->rotate_bytes = n * unit;
    return 0;
}

#define AT(field) offsetof(struct wst_tool_options, field)
#define FLAG(field) WST_TOOL_FLAG, AT(field), 0, 0, NULL
#define COUNT(field) WST_TOOL_COUNT, AT(field), 0, 0, NULL
#define WORD(field) WST_TOOL_WORD, AT(field), 0, 0, NULL
#define NUMBER(field, least, most) WST_TOOL_NUMBER, AT(field), least, most, NULL
#define ONCE(field, least, most) WST_TOOL_ONCE, AT(field), least, most, NULL
#define SIZE(field, least) WST_TOOL_SIZE, AT(field), least, UINT64_MAX, NULL
#define CALL(function) WST_TOOL_CALL, 0, 0, 0, function
#define ACCEPTED WST_TOOL_ACCEPTED, 0, 0, 0, NULL

/* clang-format off */
const struct wst_tool_arg wst_tool_trace_args[] = {
    {"Input", 'r', "read", "FILE", CALL(take_file), "read FILE ('-': standard input); other words are then the filter"},
    {NULL, 'f', NULL, "FILTER", CALL(take_file_filter), "a BPF filter for the next file named, and for that file alone"},
    {NULL, 'F', NULL, "FILE", WORD(filter_file), "take the filter for everything from FILE"},
    {NULL, 'c', NULL, "N", NUMBER(count, 1, UINT64_MAX), "stop after N packets that passed the filter"},
    {NULL, 0, "verify-checksums", NULL, FLAG(verify_checksums), "leave out packets whose IP or TCP checksum is wrong"},

    {"Live capture", 'i', "interface", "NAME", CALL(take_device), "listen on NAME, 'any', or a number that -D shows; repeat for several"},
    {NULL, 'D', "list-interfaces", NULL, FLAG(list_devices), "list the interfaces and end"},
    {NULL, 's', "snapshot-length", "N", NUMBER(snaplen, 0, 262144), "capture N bytes of a packet at most (default 262144)"},
    {NULL, 'p', "no-promiscuous-mode", NULL, FLAG(no_promiscuous), "only packets that concern this host"},
    {NULL, 'B', "buffer-size", "KIB", NUMBER(buffer_kib, 1, 2097151), "size of the kernel's buffer in KiB (default 16384)"},
    {NULL, 0, "queue", "SIZE", SIZE(queue, 1 << 20), "packets that may wait for the output (default 64M)"},
    {NULL, 'y', "linktype", "TYPE", WORD(link_type), "link type to capture with"},
    {NULL, 'L', "list-data-link-types", NULL, FLAG(list_link_types), "list the link types of the interface and end"},
    {NULL, 0, "stats", "SECONDS", NUMBER(stats_seconds, 1, 86400), "figures on standard error every so often"},

    {"Encrypted connections", 0, "keylog", "FILE", CALL(take_keylog), "TLS key log (NSS format); may be repeated; SSLKEYLOGFILE is read, too"},
    {NULL, 0, "rsa-key", "PEM", CALL(take_rsa_key), "the server's private key, for RSA key exchange (before TLS 1.3)"},
    {NULL, 0, "tls-plaintext", "FILE", WORD(plaintext), "write what was decrypted of TLS (not QUIC) to FILE, a pcap; sensitive"},
    {NULL, 0, "embed-keys", "FILE", WORD(embed), "copy the packets to FILE, a pcapng with the secrets they need; sensitive"},
    {"Saving packets", 'w', NULL, "FILE", WORD(write), "save the packets in FILE and print nothing; *.pcapng: in that format"},
    {NULL, 0, "only-websocket", NULL, FLAG(only_websocket), "only those of WebSocket connections, from their first on"},
    {NULL, 0, "print", NULL, FLAG(print), "print, too"},
    {NULL, 'U', "packet-buffered", NULL, FLAG(packet_buffered), "write every packet at once"},
    {NULL, 'G', NULL, "SECONDS", NUMBER(rotate_seconds, 1, 31622400), "a new file every so often; FILE is a strftime format"},
    {NULL, 'C', NULL, "MB", CALL(take_file_size), "a new file every so many million bytes: FILE, FILE1, FILE2 ..."},
    {NULL, 'W', NULL, "N", NUMBER(rotate_files, 1, 1000000), "with -G: stop after N files; with -C: go round in N files"},

    WST_TOOL_CONFINE_ROWS(struct wst_tool_options, confinement),

    {"Selection", 0, "conn", "N", ONCE(conn, 1, UINT64_MAX), "only connection N, as the output numbers them"},
    {NULL, 0, "dir", "DIRECTION", CALL(take_dir), "only c2s (client to server) or s2c"},
    {NULL, 0, "op", "LIST", CALL(take_ops), "only these opcodes: text,binary,continuation,close,ping,pong or numbers"},

    {NULL, 0, "problems", "WHICH", CALL(take_problems), "findings: all, none, or the first of its kind in a connection"},

    {"Output", 0, "grep", "REGEX", WORD(grep), "only messages, pings, close reasons that match; exit status 1: none"},
    {NULL, 0, "ignore-case", NULL, FLAG(ignore_case), "--grep takes capital and small letters of ASCII for the same"},
    {NULL, 0, "json", NULL, FLAG(json), "one JSON object a line instead of text"},
    {NULL, 'o', "output", "FILE", WORD(output), "write to FILE, not standard output (trace, lint, report, har, snapshot)"},
    {NULL, 't', NULL, NULL, COUNT(times), "no time; -tt since 1970, -ttt line before, -ttttt first line; -tttt date"},
    {NULL, 0, "utc", NULL, FLAG(utc), "times of text in UTC instead of local time (JSON always is)"},
    {NULL, 'v', "verbose", NULL, COUNT(verbose), "more: frames of fragmented messages, headers, comments in the capture"},
    {NULL, 'q', "quiet", NULL, FLAG(quiet), "less: no summary at the end of text, no progress"},
    {NULL, 0, "headers", NULL, FLAG(headers), "all header lines of the handshakes"},
    {NULL, 0, "apps", NULL, FLAG(apps), "JSON, too, says what MQTT, Socket.IO ... say (--no-apps: nothing does)"},
    {NULL, 0, "no-apps", NULL, FLAG(no_apps), ""},
    {NULL, 0, "max-text", "N", SIZE(max_text, 0), "columns for the payload on a line (default 64, or what fits; 0: all)"},
    {NULL, 0, "max-payload", "SIZE", SIZE(max_payload, 0), "payload bytes of a message passed on (default: all of it)"},
    {NULL, 0, "color", "WHEN", CALL(take_colour), "auto (default), always or never"},
    {NULL, 0, "colour", "WHEN", CALL(take_colour), NULL},
    {NULL, 'A', NULL, NULL, FLAG(dump_text), "payloads in full below their line, as text"},
    {NULL, 'X', NULL, NULL, FLAG(dump_hex), "payloads in full below their line, in hex and ASCII"},
    {NULL, 'l', NULL, NULL, FLAG(line_buffered), "write every line at once, also into a pipe or file"},
    {NULL, 'n', NULL, NULL, ACCEPTED, "accepted for tcpdump's sake: names are never looked up"},

    {"Limits", 0, "max-message", "SIZE", SIZE(max_message, 1), "bytes of a message kept (default 16M); the rest is counted"},
    {NULL, 0, "jobs", "N", NUMBER(jobs, 1, WST_JOBS_MAX), "threads to inflate, one to read ahead (default 1; the cores from 16 MiB)"},
    {NULL, 0, "memory", "SIZE", SIZE(memory, 1 << 20), "memory for everything (default 1G)"},

    {"Help", 'h', "help", NULL, FLAG(help), "this text; 'man wstrace' tells more"},
    {NULL, 'V', "version", NULL, FLAG(version), "the version"},
};
/* clang-format on */
const size_t wst_tool_trace_args_n = sizeof wst_tool_trace_args / sizeof *wst_tool_trace_args;

/* With -r or -i the words are the filter, as in tcpdump; without, they are files. */
static int settle_items(struct wst_tool_options *o)
{
    const char *pending = NULL;
    bool words_are_files = o->devices_n == 0;
    char *at = NULL;

    for (size_t i = 0; i < o->items_n; i++)
        if (o->items[i].sort == WST_TOOL_READ) words_are_files = false;
    for (size_t i = 0; i < o->items_n; i++) {
        const struct wst_tool_item *item = &o->items[i];
        if (item->sort == WST_TOOL_FILE_FILTER) {
            if (pending)
                return wst_tool_misuse("-f twice for one file: '%s', '%s'", pending, item->text);
            pending = item->text;
        } else if (item->sort == WST_TOOL_READ || words_are_files) {
            o->files[o->files_n++] = (struct wst_tool_file){item->text, pending, words_are_files};
            pending = NULL;
        } else {
            if (at == NULL) {
                at = o->filter;
            } else {
                *at++ = ' ';
            }
            at = stpcpy(at, item->text);
        }
    }
    if (pending) return wst_tool_misuse("no file follows -f '%s'", pending);
    if (at == NULL) {
        free(o->filter);
        o->filter = NULL;
    }
    return 0;
}

static int settle_filter_file(struct wst_tool_options *o)
{
    if (o->filter_file == NULL) return 0;
    if (o->filter) wst_tool_say("-F %s is the filter; '%s' is not used", o->filter_file, o->filter);
    free(o->filter);
    return wst_tool_filter_read(o->filter_file, &o->filter);
}

/* What is read: standard input once at most, and files or devices. */
static int input_contradictions(const struct wst_tool_options *o)
{
    bool input_taken = o->filter_file && strcmp(o->filter_file, "-") == 0;

    for (size_t i = 0; i < o->files_n; i++) {
        if (strcmp(o->files[i].name, "-") != 0) continue;
        if (input_taken) return wst_tool_misuse("standard input ('-') can be read once");
        input_taken = true;
    }
    if (o->devices_n && o->files_n) return wst_tool_misuse("-i and -r exclude each other");
    return 0;
}

/* -w with what would print, and without --print. */
static int silent_contradictions(const struct wst_tool_options *o)
{
    if (o->output)
        return wst_tool_misuse("-w saves packets and prints nothing; for -o %s add --print",
                               o->output);
    if (o->lint) return wst_tool_misuse("-w saves packets and checks nothing; add --print");
    if (o->json) wst_tool_say("-w saves packets and prints nothing; for --json add --print");
    if (o->grep)
        return wst_tool_misuse("-w saves packets and prints nothing; for --grep add --print");
    return 0;
}

static int save_contradictions(const struct wst_tool_options *o)
{
    bool rotates = o->rotate_seconds || o->rotate_bytes;

    if (o->write == NULL) {
        if (rotates || o->rotate_files || o->only_websocket)
            return wst_tool_misuse("-G, -C, -W and --only-websocket are about the file of -w");
        return 0;
    }
    if (strcmp(o->write, "-") == 0) {
        if (rotates)
            return wst_tool_misuse("-w -: standard output is one file; -G and -C need a name");
        if (o->print && (o->output == NULL || strcmp(o->output, "-") == 0))
            return wst_tool_misuse("-w - and --print: packets and text on standard output; -o FILE "
                                   "takes the text elsewhere");
    }
    /* With -W 1 there is one file, and -G says how long it takes. */
    if (o->rotate_seconds && !strchr(o->write, '%') && (o->rotate_files != 1 || o->rotate_bytes))
        wst_tool_say("warning: -w %s has no %%, such as %%H%%M%%S: each file of -G takes the place "
                     "of the one before",
                     o->write);
    return o->print ? 0 : silent_contradictions(o);
}

static int contradictions(const struct wst_tool_options *o)
{
    int status;

    if ((status = input_contradictions(o)) != 0) return status;
    if ((status = save_contradictions(o)) != 0) return status;
    if (o->lint && o->grep)
        return wst_tool_misuse("--grep is about messages; lint tells findings only");
    if (o->ignore_case && o->grep == NULL) return wst_tool_misuse("--ignore-case is about --grep");
    if (o->stats_seconds && o->devices_n == 0)
        return wst_tool_misuse("--stats is for a live capture (-i); those of a file are told when "
                               "it ends");
    if (o->times > WST_TIME_SINCE) return wst_tool_misuse("-t can be given five times at most");
    if (o->devices_n == 0 && o->files_n == 0)
        return wst_tool_misuse("%s", o->wants ? o->wants
                                              : "no capture named: give a FILE, '-' for standard "
                                                "input, or -i NAME");
    return 0;
}

void wst_tool_options_defaults(struct wst_tool_options *o)
{
    *o = (struct wst_tool_options){
        .dir = WST_DIR_NONE,
        .problems = WST_PROBLEMS_FIRST,
        .max_text = WST_TOOL_MAX_TEXT,
        .max_payload = UINT64_MAX,
        .max_message = wst_limits_default.max_message,
        .memory = wst_limits_default.memory,
        .queue = WST_CAPTURE_QUEUE,
    };
}

/* Room for every word of the command line, so that nothing has to grow. */
static bool make_room(struct wst_tool_options *o, int argc, char **argv)
{
    size_t all = 1;

    for (int i = 1; i < argc; i++) all += strlen(argv[i]) + 1;
    o->items = calloc((size_t)argc + 1, sizeof *o->items);
    o->files = calloc((size_t)argc + 1, sizeof *o->files);
    o->devices = calloc((size_t)argc + 1, sizeof *o->devices);
    o->filter = calloc(all, 1);
    o->keys.keylogs = calloc((size_t)argc + 1, sizeof *o->keys.keylogs);
    o->keys.rsa_keys = calloc((size_t)argc + 1, sizeof *o->keys.rsa_keys);
    return o->items && o->files && o->devices && o->filter && o->keys.keylogs && o->keys.rsa_keys;
}

struct wst_tool_arg *wst_tool_reading_rows(const struct wst_tool_arg *own, size_t own_n, size_t *n)
{
    struct wst_tool_arg *rows = calloc(own_n + wst_tool_trace_args_n, sizeof *rows);
    bool passed_over = false;

    if (rows == NULL) {
        wst_tool_say("out of memory");
        return NULL;
    }
    if (own_n) memcpy(rows, own, own_n * sizeof *rows);
    *n = own_n;
    for (size_t i = 0; i < wst_tool_trace_args_n; i++) {
        const struct wst_tool_arg *row = &wst_tool_trace_args[i];
        if (row->group)
            passed_over =
                strcmp(row->group, "Output") == 0 || strcmp(row->group, "Saving packets") == 0;
        if (!passed_over) rows[(*n)++] = *row;
    }
    return rows;
}

const struct wst_tool_arg *wst_tool_trace_row(const char *name)
{
    for (size_t i = 0; i < wst_tool_trace_args_n; i++) {
        const struct wst_tool_arg *row = &wst_tool_trace_args[i];
        if (name[1] ? row->name && strcmp(row->name, name) == 0 : row->letter == name[0])
            return row;
    }
    return NULL;
}

bool wst_tool_options_only_words(const struct wst_tool_options *o)
{
    return o->help || o->version || o->list_devices || o->list_link_types;
}

int wst_tool_options_parse(struct wst_tool_options *options, const struct wst_tool_arg *rows,
                           size_t n, int argc, char **argv)
{
    int status;

    if (!make_room(options, argc, argv)) {
        wst_tool_say("out of memory");
        return WST_TOOL_TROUBLE;
    }
    status = wst_tool_args(rows, n, argc, argv, options, take_word);
    if (status || wst_tool_options_only_words(options)) return status;
    if ((status = settle_items(options)) != 0) return status;
    if ((status = contradictions(options)) != 0) return status;
    return settle_filter_file(options);
}

void wst_tool_options_free(struct wst_tool_options *options)
{
    free(options->items);
    free(options->files);
    free(options->devices);
    free(options->keys.keylogs);
    free(options->keys.rsa_keys);
    free(options->filter);
}
