/* SPDX-License-Identifier: MIT
 *
 * Classic pcap, gzip, filters, rows of sources: files made in a folder of their own.
 */
#include "bytes.h"
#include "capture/source.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct bytes in;  /* emptied by fresh(); large for a stack */
static struct bytes out; /* gzipped */
static struct told told;

static struct bytes *fresh(bool big)
{
    in.n = 0;
    in.big = big;
    return &in;
}

/* ---- a folder for files ---- */

static char folder[] = "/tmp/wstrace-capture-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[64];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

/* Four names at once. */
static const char *path(const char *name)
{
    static char text[4][128];
    static int i;
    i = (i + 1) % 4;
    snprintf(text[i], sizeof text[i], "%s/%s", folder, name);
    return text[i];
}

static const char *save(const char *name, const struct bytes *o)
{
    FILE *f = fopen(path(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(o->b, 1, o->n, f), o->n);
    assert_int_equal(fclose(f), 0);
    return path(name);
}

/* What was told, with the folder's name taken out. */
static const char *told_text(void)
{
    char *p;
    while ((p = strstr(told.text, folder)) != NULL)
        memmove(p, p + sizeof folder, strlen(p + sizeof folder) + 1);
    return told.text;
}

static struct wst_capture *start(void)
{
    struct wst_capture *c = wst_capture_new();
    assert_non_null(c);
    told = (struct told){.n = 0};
    return c;
}

static void add_file(struct wst_capture *c, const char *name, const char *filter)
{
    assert_int_equal(wst_capture_add_file(c, name, filter), 0);
}

/* A capture of `n` packets "1", "2" … at these seconds. */
static struct bytes *counted(uint32_t link_type, unsigned n)
{
    struct bytes *o = fresh(false);
    pcap_head(o, 0xa1b2c3d4, 65535, link_type);
    for (unsigned i = 1; i <= n; i++) {
        char text[12];
        snprintf(text, sizeof text, "%u", i);
        pcap_packet(o, i, 0, text);
    }
    return o;
}

/* ---- classic pcap ---- */

static void all_magics(void **state)
{
    static const struct {
        uint32_t magic;
        bool big;
        const char *expected;
    } rows[] = {
        {0xa1b2c3d4, false, "1 1000007000 link 1 len 3 abc\n2 2000000000 link 1 len 0 \n"},
        {0xa1b2c3d4, true, "1 1000007000 link 1 len 3 abc\n2 2000000000 link 1 len 0 \n"},
        {0xa1b23c4d, false, "1 1000000007 ns link 1 len 3 abc\n2 2000000000 ns link 1 len 0 \n"},
        {0xa1b23c4d, true, "1 1000000007 ns link 1 len 3 abc\n2 2000000000 ns link 1 len 0 \n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes *o = fresh(rows[i].big);
        pcap_head(o, rows[i].magic, 65535, 1);
        pcap_packet(o, 1, 7, "abc");
        pcap_packet(o, 2, 0, "");
        assert_tells(o, NULL, rows[i].expected);
    }
}

/* Kuznetzov's variant has eight more bytes before each packet; the damage must be found at them. */
static void patched_records(void **state)
{
    struct bytes *o = fresh(false);
    (void)state;
    pcap_head(o, 0xa1b2cd34, 65535, 101);
    for (int i = 0; i < 2; i++) {
        put32(o, 1);
        put32(o, 0);
        put32(o, 3);
        put32(o, 3);
        put(o, "\0\0\0\0\0\0\0\0abc", 11);
    }
    o->n--;
    assert_tells(
        o, NULL,
        "1 1000000000 link 101 len 3 abc\n"
        "trouble m 1 @51 truncated: the file ends in the middle of a packet (tried to read "
        "3 captured bytes, only got 2)\n");
}

static void the_snap_length_cuts_nothing(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct bytes *o = fresh(big);
        pcap_head(o, 0xa1b2c3d4, 4, 1);
        pcap_packet(o, 1, 0, "more than four");
        assert_tells(o, NULL, "1 1000000000 link 1 len 14 more than four\n");
    }
}

static void link_types_are_those_of_files(void **state)
{
    static const struct {
        uint32_t in_file, told;
        const char *name;
    } rows[] = {
        {1, 1, "EN10MB"},
        {12, 101, "RAW"},
        {14, 101, "RAW"},
        {101, 101, "RAW"},
        {113, 113, "LINUX_SLL"},
        {276, 276, "LINUX_SLL2"},
        {0, 0, "NULL"},
        {108, 108, "LOOP"},
        {50, 50, "PPP_SERIAL"},
        {100, 100, "ATM_RFC1483"},
        {4711, 4711, "LINKTYPE_4711"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct wst_capture *c = start();
        char expected[64], error[WST_CAPTURE_ERROR_SIZE];
        const char *const *names;
        size_t n;
        assert_tells(counted(rows[i].in_file, 0), NULL, "");
        add_file(c, save("link.pcap", counted(rows[i].in_file, 1)), NULL);
        assert_int_equal(wst_capture_open(c, error), 0);
        names = wst_capture_link_types(c, &n);
        assert_int_equal(n, 1);
        assert_string_equal(names[0], rows[i].name);
        run(c, &told);
        snprintf(expected, sizeof expected, "1 1000000000 link %u len 1 1\n", rows[i].told);
        assert_string_equal(told.text, expected);
    }
}

/* 32 bits of seconds without a sign, in either byte order; a fraction that is none. */
static void hostile_times(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct bytes *o = fresh(big);
        pcap_head(o, 0xa1b2c3d4, 65535, 1);
        pcap_packet(o, UINT32_MAX, 999999, "a");
        assert_tells(o, NULL, "1 4294967295999999000 link 1 len 1 a\n");
        set32(o, 28, UINT32_MAX);
        run_bytes(o->b, o->n, NULL, &told); /* any time, but no overflow */
    }
}

/* Before version 2.3 the two lengths stood the other way round, in 2.3 either way: the captured one
 * is never the larger (libpcap's sf-pcap.c). 543.0 is 2.2 under another number. */
static void lengths_of_old_versions(void **state)
{
    static const struct {
        unsigned major, minor;
        uint32_t first, second;
    } rows[] = {{2, 4, 2, 5}, {2, 3, 2, 5}, {2, 3, 5, 2},
                {2, 2, 5, 2}, {2, 0, 5, 2}, {543, 0, 5, 2}};
    (void)state;
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        struct bytes *o = fresh(i % 2);
        put32(o, 0xa1b2c3d4);
        put16(o, rows[i / 2].major);
        put16(o, rows[i / 2].minor);
        put(o, "\0\0\0\0\0\0\0\0", 8);
        put32(o, 65535);
        put32(o, 1);
        put32(o, 1);
        put32(o, 0);
        put32(o, rows[i / 2].first);
        put32(o, rows[i / 2].second);
        put(o, "ab", 2);
        assert_tells(o, NULL, "1 1000000000 link 1 len 5 ab\n");
    }
}

static void damaged_record(void **state)
{
    struct bytes *o = counted(1, 2);
    (void)state;
    set32(o, 24 + 17 + 8, 0x7fffffff);
    assert_tells(o, NULL,
                 "1 1000000000 link 1 len 1 1\n"
                 "trouble m 1 @41 a packet cannot be read: invalid packet capture length "
                 "2147483647, bigger than snaplen of 262144\n");
}

static void cut_at_every_byte(void **state)
{
    struct bytes *o = counted(1, 4);
    (void)state;
    for (size_t cut = 0; cut <= o->n; cut++) {
        told = (struct told){.n = 0};
        run_bytes(o->b, cut, NULL, &told);
        assert_int_equal(told.packets, cut < 24 ? 0 : (cut - 24) / 17);
        if (cut < 24)
            assert_memory_equal(told.text, "error m: ", 9);
        else
            assert_int_equal(told.troubles, (cut - 24) % 17 != 0);
        if (told.troubles) assert_non_null(strstr(told.text, " truncated: "));
    }
}

static void no_captures(void **state)
{
    static const struct {
        const char *bytes, *expected;
    } rows[] = {
        {"", "the file is empty"},
        {"x", "not a capture file: it has only 1 bytes"},
        {"\x1f\x8b",
         "truncated gzip data: the file ends in the middle of it, at compressed byte 2"},
        {"\x1f\x8bnot gzip at all", "corrupt gzip data: unknown compression method, at compressed "
                                    "byte 4"},
        {"Hello", "not a capture file: it begins with 48 65 6c 6c, the mark of neither pcap nor "
                  "pcapng"},
        {"{\"type\":1}", "not a capture file: it looks like JSON"},
        {"CLIENT_RANDOM 00", "not a capture file: it looks like a TLS key log"},
        {"SERVER_HANDSHAKE_TRAFFIC_SECRET 00", "not a capture file: it looks like a TLS key log"},
        {"\x28\xb5\x2f\xfd....",
         "not a capture file: it is compressed with zstd; zstd -dc unpacks it"},
        {"GMBU....",
         "not a capture file: it is in Microsoft Network Monitor format; editcap converts it"},
        {"\xd4\xc3\xb2\xa1..",
         "truncated: the file ends in the middle of its header (tried to read "
         "24 file header bytes, only got 2)"},
        {"\xd4\xc3\xb2\xa1\x09....................", "its header cannot be read: unsupported pcap "
                                                     "savefile version"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char expected[256];
        told = (struct told){.n = 0};
        run_bytes((const uint8_t *)rows[i].bytes, strlen(rows[i].bytes), NULL, &told);
        snprintf(expected, sizeof expected, "error m: %s", rows[i].expected);
        told.text[strlen(expected)] = '\0'; /* libpcap's words may go on */
        assert_string_equal(told.text, expected);
    }
}

/* ---- gzip ---- */

static void members_one_after_another(void **state)
{
    struct bytes *o = counted(1, 3);
    static const char expected[] = "1 1000000000 link 1 len 1 1\n2 2000000000 link 1 len 1 2\n"
                                   "3 3000000000 link 1 len 1 3\n";
    (void)state;
    for (size_t piece = 1; piece <= o->n; piece++) {
        out.n = 0;
        gzip(&out, o, piece);
        told = (struct told){.n = 0};
        run_bytes(out.b, out.n, NULL, &told);
        assert_string_equal(told.text, expected);
    }
    put(&out, "\0\0\0\0\0", 5); /* padding */
    told = (struct told){.n = 0};
    run_bytes(out.b, out.n, NULL, &told);
    assert_string_equal(told.text, expected);
    put(&out, "garbage", 7);
    told = (struct told){.n = 0};
    run_bytes(out.b, out.n, NULL, &told);
    assert_int_equal(told.packets, 3);
    assert_non_null(
        strstr(told.text, "trouble m 3 @75 corrupt gzip data: foreign bytes follow it"));
}

static void gzip_cut_or_flipped_anywhere(void **state)
{
    struct bytes *o = counted(1, 5);
    int clean = 0;
    (void)state;
    out.n = 0;
    gzip(&out, o, 41); /* in three members; the first ends with the first packet */
    for (size_t cut = 2; cut < out.n; cut++) {
        told = (struct told){.n = 0};
        run_bytes(out.b, cut, NULL, &told);
        if (strstr(told.text, "error ")) continue; /* not even its header */
        assert_true(told.packets < 5 || cut + 12 >= out.n /* the trailer */);
        clean += told.troubles == 0;
    }
    assert_int_equal(clean, 1); /* between the first two members lies the end of a packet */
    for (size_t at = 10; at < out.n; at++) {
        out.b[at] ^= 0x10;
        told = (struct told){.n = 0};
        run_bytes(out.b, out.n, NULL, &told); /* a sanitizer watches */
        out.b[at] ^= 0x10;
    }
    out.b[out.n - 5] ^= 1; /* the last checksum: all the packets, and a word about it */
    told = (struct told){.n = 0};
    run_bytes(out.b, out.n, NULL, &told);
    assert_int_equal(told.packets, 5);
    assert_int_equal(told.troubles, 1);
    assert_non_null(strstr(told.text, "trouble m 5 @109 corrupt gzip data: incorrect "));
}

/* ---- filters ---- */

static void filtered_packets_keep_their_numbers(void **state)
{
    (void)state;
    assert_tells(counted(1, 3), "ether[0] = 0x32", "2 2000000000 link 1 len 1 2\n");
    assert_tells(counted(1, 1), "", "1 1000000000 link 1 len 1 1\n");
    assert_tells(counted(1, 1), "tcp prot 80",
                 "error filter \"tcp prot 80\" on link type EN10MB: can't parse filter expression: "
                 "syntax error\n");
}

static void both_filters_must_match(void **state)
{
    struct wst_capture *c = start();
    (void)state;
    save("a", counted(1, 3));
    add_file(c, path("a"), "ether[0] >= 0x32");
    add_file(c, path("a"), NULL);
    assert_int_equal(wst_capture_set_filter(c, "ether[0] <= 0x32"), 0);
    run(c, &told);
    assert_string_equal(told.text, "2 2000000000 link 1 len 1 2\n"
                                   "4 1000000000 link 1 len 1 1\n5 2000000000 link 1 len 1 2\n");

    c = start();
    add_file(c, path("a"), NULL);
    add_file(c, path("missing"), "not a filter"); /* found although the file is not */
    run(c, &told);
    assert_memory_equal(told.text, "error filter \"not a filter\" on link type EN10MB: ", 49);
}

/* Once for a link type, and its packets do not pass; the others go on. */
static void a_filter_that_fits_not_every_link_type(void **state)
{
    struct bytes *o = fresh(false);
    (void)state;
    section(o);
    interface(o, 1, 0);
    interface(o, 101, 0);
    packet(o, 0, 1, "aaaaaa");
    packet(o, 1, 2, "bbbbbb");
    packet(o, 1, 3, "cccccc");
    packet(o, 0, 4, "aaaaaa");
    assert_tells(o, "ether dst 61:61:61:61:61:61",
                 "1 1000 link 1 len 6 aaaaaa\n"
                 "trouble m 0 @0 filter \"ether dst 61:61:61:61:61:61\" on link type RAW: ethernet "
                 "addresses supported only on ethernet/FDDI/token ring/802.11/ATM LANE/Fibre "
                 "Channel\n"
                 "4 4000 link 1 len 6 aaaaaa\n");
}

static void a_filter_meets_too_many_link_types(void **state)
{
    struct bytes *o = fresh(false);
    (void)state;
    section(o);
    for (unsigned i = 0; i < 40; i++) interface(o, i < 20 ? 147 + i : 240 + i, 0); /* all known */
    for (unsigned i = 0; i < 40; i++) packet(o, i, i, "x");
    told = (struct told){.n = 0};
    run_bytes(o->b, o->n, "greater 1", &told);
    assert_int_equal(told.packets, 32);
    assert_int_equal(told.troubles, 1);
    assert_non_null(strstr(told.text, "more than 32 link types"));
}

/* ---- rows of sources ---- */

static void numbers_go_on_past_what_cannot_be_read(void **state)
{
    struct wst_capture *c = start();
    struct bytes *o;
    char error[WST_CAPTURE_ERROR_SIZE];
    const char *const *names;
    size_t n;
    (void)state;
    save("a", counted(1, 2));
    o = counted(101, 2);
    o->n--;
    save("cut", o);
    save("empty", fresh(false));
    out.n = 0;
    gzip(&out, counted(113, 1), 1000);
    save("z", &out);
    assert_int_equal(mkdir(path("dir"), 0700), 0);
    add_file(c, path("missing"), NULL);
    add_file(c, path("a"), NULL);
    add_file(c, path("empty"), NULL);
    add_file(c, path("dir"), NULL);
    add_file(c, path("cut"), NULL);
    add_file(c, path("z"), NULL);
    assert_int_equal(wst_capture_open(c, error), 0);
    names = wst_capture_link_types(c, &n);
    assert_int_equal(n, 3);
    assert_string_equal(names[0], "EN10MB");
    assert_string_equal(names[1], "RAW");
    assert_string_equal(names[2], "LINUX_SLL");
    run(c, &told);
    assert_string_equal(told_text(),
                        "trouble missing 0 @0 No such file or directory\n"
                        "1 1000000000 link 1 len 1 1\n2 2000000000 link 1 len 1 2\n"
                        "trouble empty 0 @0 the file is empty\n"
                        "trouble dir 0 @0 it is a directory\n"
                        "3 1000000000 link 101 len 1 1\n"
                        "trouble cut 3 @41 truncated: the file ends in the middle of a packet "
                        "(tried to read 1 captured bytes, only got 0)\n"
                        "4 1000000000 link 113 len 1 1\n");
}

static void nothing_can_be_read(void **state)
{
    struct wst_capture *c = start();
    (void)state;
    run(c, &told);
    assert_string_equal(told.text, "error nothing to read\n");
    c = start();
    add_file(c, path("missing"), NULL);
    add_file(c, path("dir"), NULL);
    run(c, &told);
    assert_string_equal(told_text(), "error missing: No such file or directory\n");
}

static void more_files_than_descriptors(void **state)
{
    struct rlimit old, few;
    struct wst_capture *c = start();
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    few = old;
    few.rlim_cur = 16;
    save("a", counted(1, 2));
    for (int i = 0; i < 300; i++) add_file(c, path("a"), NULL);
    told.quiet = true;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    run(c, &told);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(told.packets, 600);
    assert_int_equal(told.troubles, 0);
}

/* A pipe cannot be opened twice: what the peek took must not be lost. Standard input is read once.
 */
static void pipes(void **state)
{
    static const char expected[] = "1 1000000000 link 1 len 1 1\n2 2000000000 link 1 len 1 2\n";
    int both[2], old = dup(STDIN_FILENO);
    char name[32];
    struct wst_capture *c;
    (void)state;
    counted(1, 2);
    for (int gz = 0; gz < 2; gz++) {
        out.n = 0;
        gzip(&out, &in, 7);
        assert_int_equal(pipe(both), 0);
        assert_true(write(both[1], gz ? out.b : in.b, gz ? out.n : in.n) > 0);
        close(both[1]);
        snprintf(name, sizeof name, "/dev/fd/%d", both[0]);
        c = start();
        add_file(c, name, NULL);
        run(c, &told);
        close(both[0]);
        assert_string_equal(told.text, expected);

        assert_int_equal(pipe(both), 0);
        assert_true(write(both[1], gz ? out.b : in.b, gz ? out.n : in.n) > 0);
        close(both[1]);
        assert_int_equal(dup2(both[0], STDIN_FILENO), STDIN_FILENO);
        close(both[0]);
        c = start();
        add_file(c, "-", NULL);
        add_file(c, "-", NULL);
        run(c, &told);
        assert_memory_equal(told.text, expected, sizeof expected - 1);
        assert_string_equal(told.text + sizeof expected - 1,
                            "trouble - 0 @0 standard input can be read only once\n");
    }
    assert_int_equal(dup2(old, STDIN_FILENO), STDIN_FILENO);
    close(old);
}

static void progress(void **state)
{
    struct wst_capture_sink sink = told_sink(&told);
    struct wst_capture *c = start();
    char error[WST_CAPTURE_ERROR_SIZE];
    uint64_t size;
    (void)state;
    save("a", counted(1, 2));
    size = in.n;
    out.n = 0;
    gzip(&out, counted(1, 3), 1000);
    save("z", &out);
    add_file(c, path("a"), NULL);
    add_file(c, path("z"), NULL);
    assert_int_equal(wst_capture_open(c, error), 0);
    assert_int_equal(wst_capture_total_bytes(c), size + out.n);
    assert_int_equal(wst_capture_read_bytes(c), 0);
    assert_int_equal(wst_capture_run(c, &sink), 0);
    assert_int_equal(wst_capture_read_bytes(c), size + out.n); /* compressed ones count */
    wst_capture_free(c);
}

static void stopping(void **state)
{
    struct wst_capture *c;
    (void)state;
    save("a", counted(1, 3));
    for (int how = 0; how < 2; how++) {
        c = start();
        told.stop_after = 2;
        told.stop = how ? c : NULL;
        add_file(c, path("a"), NULL);
        add_file(c, path("a"), NULL);
        run(c, &told);
        assert_int_equal(told.packets, 2);
        assert_int_equal(told.troubles, 0);
    }
    c = start();
    add_file(c, path("a"), NULL);
    wst_capture_stop(c);
    run(c, &told);
    assert_string_equal(told.text, "");
}

/* Nobody writes, nobody hangs up: only the flag ends it, and it is no trouble. */
static void stop_while_a_pipe_is_silent(bool by_row, bool by_call)
{
    int both[2];
    char name[32];
    struct wst_capture *c = start();
    assert_int_equal(pipe(both), 0);
    counted(1, 2);
    assert_true(write(both[1], in.b, in.n) > 0);
    snprintf(name, sizeof name, "/dev/fd/%d", both[0]);
    told.by_row = by_row;
    told.stop_after = 2;
    told.stop = by_call ? c : NULL;
    add_file(c, name, NULL);
    run(c, &told);
    assert_int_equal(told.packets, 2);
    assert_int_equal(told.troubles, 0);
    close(both[0]);
    close(both[1]);
}

static void stopping_while_a_pipe_is_silent(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) stop_while_a_pipe_is_silent(i & 1, i & 2);
}

/* Whoever has enough is told no more, whatever has been read already. */
static void nothing_behind_the_last_packet(void **state)
{
    struct bytes *o = counted(1, 2);
    size_t at;
    (void)state;
    put32(o, 3);
    put32(o, 0);
    put32(o, UINT32_MAX); /* a packet longer than there are */
    put32(o, UINT32_MAX);
    for (uint64_t n = 1; n <= 2; n++) {
        told = (struct told){.stop_after = n};
        run_bytes(o->b, o->n, NULL, &told);
        assert_int_equal(told.packets, n);
        assert_int_equal(told.troubles, 0);
    }
    o = fresh(false);
    section(o);
    interface(o, 1, 0);
    packet(o, 0, 1, "enough");
    at = packet_begin(o, 0, 2, "too much");
    comment(o, "nobody asked");
    end(o, at);
    at = begin(o, 10);
    put32(o, 0x544c534b);
    put32(o, 4);
    put32(o, 0);
    end(o, at);
    packet(o, 7, 3, "of no interface");
    told = (struct told){.stop_after = 1};
    run_bytes(o->b, o->n, NULL, &told);
    assert_int_equal(told.packets, 1);
    assert_int_equal(told.troubles, 0);
    assert_null(strstr(told.text, "comment"));
    assert_null(strstr(told.text, "secrets"));
}

static void a_sink_of_one_function(void **state)
{
    struct wst_capture_sink sink = {.user = &told, .packet = told_packet};
    struct wst_capture *c = start();
    struct bytes *o = fresh(false);
    char error[WST_CAPTURE_ERROR_SIZE];
    size_t at;
    (void)state;
    at = section_begin(o);
    comment(o, "nobody listens");
    end(o, at);
    at = begin(o, 10);
    put32(o, 1);
    put32(o, 0);
    end(o, at);
    interface(o, 1, 0);
    packet(o, 0, 1, "x");
    o->n -= 4;
    assert_int_equal(wst_capture_add_memory(c, "m", (struct wst_slice){o->b, o->n}, NULL), 0);
    assert_int_equal(wst_capture_open(c, error), 0);
    assert_int_equal(wst_capture_run(c, &sink), 1);
    wst_capture_free(c);
}

static int lowest_descriptor(void)
{
    int fd = dup(0);
    close(fd);
    return fd;
}

/* A slip in the filter, or a file that is not there yet: what was open is not opened once more. */
static void opened_again(void **state)
{
    char error[WST_CAPTURE_ERROR_SIZE];
    int before = lowest_descriptor();
    struct wst_capture *c = start();
    (void)state;
    add_file(c, path("late"), NULL);
    assert_int_equal(wst_capture_open(c, error), -1);
    assert_non_null(strstr(error, "No such file"));
    save("late", counted(1, 3));
    add_file(c, path("late"), NULL);
    assert_int_equal(wst_capture_set_filter(c, "ether[0] = = 0x32"), 0);
    assert_int_equal(wst_capture_open(c, error), WST_CAPTURE_BAD_FILTER);
    assert_int_equal(wst_capture_open(c, error), WST_CAPTURE_BAD_FILTER);
    assert_int_equal(wst_capture_set_filter(c, "ether[0] = 0x32"), 0);
    assert_int_equal(wst_capture_open(c, error), 0);
    run(c, &told);
    assert_int_equal(told.packets, 2); /* of each one */
    assert_int_equal(lowest_descriptor(), before);
    unlink(path("late"));
}

/* No globals: one inside the other. */
static int run_another(void *user, const struct wst_packet *p)
{
    (void)p;
    run_bytes(in.b, in.n, "ether[0] = 0x32", user);
    return 0;
}

static void two_at_once(void **state)
{
    struct wst_capture_sink sink = {.user = &told, .packet = run_another};
    struct wst_capture *c = start();
    char error[WST_CAPTURE_ERROR_SIZE];
    (void)state;
    counted(1, 3);
    assert_int_equal(wst_capture_add_memory(c, "m", (struct wst_slice){in.b, in.n}, NULL), 0);
    assert_int_equal(wst_capture_open(c, error), 0);
    assert_int_equal(wst_capture_run(c, &sink), 0);
    assert_int_equal(told.packets, 3); /* of three inner runs, one each */
    wst_capture_free(c);
}

/* ---- the source itself ---- */

static void source_counts_and_rewinds(void **state)
{
    struct wst_source s;
    uint8_t some[64];
    (void)state;
    counted(1, 2);
    out.n = 0;
    gzip(&out, &in, 10);
    wst_source_open_memory(&s, (struct wst_slice){out.b, out.n});
    wst_source_hold(&s);
    assert_int_equal(wst_source_want(&s, 24), 30); /* three members */
    wst_source_skip(&s, 24);
    assert_int_equal(wst_source_read(&s, some, 3), 3);
    assert_memory_equal(some, in.b + 24, 3);
    wst_source_rewind(&s);
    assert_int_equal(wst_source_offset(&s), 0);
    assert_int_equal(wst_source_want(&s, 1000), in.n);
    assert_memory_equal(wst_source_at(&s), in.b, in.n);
    wst_source_skip(&s, in.n);
    assert_int_equal(wst_source_offset(&s), in.n);
    assert_int_equal(wst_source_read(&s, some, sizeof some), 0);
    assert_int_equal(s.consumed, out.n);
    assert_string_equal(s.error, "");
    wst_source_close(&s);
    wst_source_close(&s);
    assert_int_equal(wst_source_offset(&s), in.n);
}

/* ---- devices ---- */

static void devices_that_are_none(void **state)
{
    static const struct {
        const char *device, *expected;
    } rows[] = {
        {"no-such-device", "error cannot capture on no-such-device: "},
        {"0", "error there is no device number 0; wstrace -D lists those that there are\n"},
        {"99999999999999999999999", "error there is no device number 99999999999999999999999; "
                                    "wstrace -D lists those that there are\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct wst_capture *c = start();
        struct wst_live_options options = {.device = rows[i].device};
        uint64_t a, b, d;
        assert_false(wst_capture_counters(c, &a, &b, &d));
        assert_int_equal(wst_capture_add_live(c, &options), 0);
        assert_true(wst_capture_counters(c, &a, &b, &d));
        assert_int_equal(a + b + d, 0);
        run(c, &told);
        assert_memory_equal(told.text, rows[i].expected, strlen(rows[i].expected));
    }
}

static void count_device(void *user, int number, const char *name, const char *text)
{
    int *n = user;
    (void)text;
    assert_int_equal(number, ++*n);
    assert_non_null(name);
}

static void devices_are_numbered(void **state)
{
    char error[WST_CAPTURE_ERROR_SIZE];
    int n = 0;
    (void)state;
    if (wst_capture_devices(count_device, &n, error) < 0)
        assert_memory_equal(error, "cannot list the devices: ", 25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_magics),
        cmocka_unit_test(lengths_of_old_versions),
        cmocka_unit_test(patched_records),
        cmocka_unit_test(the_snap_length_cuts_nothing),
        cmocka_unit_test(link_types_are_those_of_files),
        cmocka_unit_test(hostile_times),
        cmocka_unit_test(damaged_record),
        cmocka_unit_test(cut_at_every_byte),
        cmocka_unit_test(no_captures),
        cmocka_unit_test(members_one_after_another),
        cmocka_unit_test(gzip_cut_or_flipped_anywhere),
        cmocka_unit_test(filtered_packets_keep_their_numbers),
        cmocka_unit_test(both_filters_must_match),
        cmocka_unit_test(a_filter_that_fits_not_every_link_type),
        cmocka_unit_test(a_filter_meets_too_many_link_types),
        cmocka_unit_test(numbers_go_on_past_what_cannot_be_read),
        cmocka_unit_test(nothing_can_be_read),
        cmocka_unit_test(more_files_than_descriptors),
        cmocka_unit_test(pipes),
        cmocka_unit_test(progress),
        cmocka_unit_test(stopping),
        cmocka_unit_test(stopping_while_a_pipe_is_silent),
        cmocka_unit_test(nothing_behind_the_last_packet),
        cmocka_unit_test(a_sink_of_one_function),
        cmocka_unit_test(opened_again),
        cmocka_unit_test(two_at_once),
        cmocka_unit_test(source_counts_and_rewinds),
        cmocka_unit_test(devices_that_are_none),
        cmocka_unit_test(devices_are_numbered),
    };
    return cmocka_run_group_tests_name("capture", tests, make_folder, remove_folder);
}
