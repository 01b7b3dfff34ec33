/* SPDX-License-Identifier: MIT
 *
 * Headers of frames, and for each type which lengths and streams are right (RFC 9113 section 6),
 * written down here once more; what looks like a header where one is looked for.
 */
#include "guard.h"
#include "http2.h"

enum { ANY = -1 };

static struct wst_http2_frame frame(uint32_t length, uint8_t type, uint8_t flags, uint32_t stream)
{
    return (struct wst_http2_frame){
        .length = length, .stream = stream, .type = type, .flags = flags};
}

/* 24 bits, 8, 8, one that is passed over, 31. */
static void headers(void **state)
{
    static const struct {
        uint8_t head[WST_HTTP2_HEADER];
        struct wst_http2_frame frame;
    } rows[] = {
        {{0, 0, 0, 0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, false}},
        {{1, 2, 3, 4, 5, 6, 7, 8, 9}, {0x010203, 0x06070809, 4, 5, false}},
        {{255, 255, 255, 255, 255, 255, 255, 255, 255}, {0xffffff, 0x7fffffff, 255, 255, true}},
        {{0, 0x40, 0, 0, 9, 0x80, 0, 0, 1}, {16384, 1, 0, 9, true}},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY(rows); i++) {
        struct wst_http2_frame f = wst_http2_frame_read(rows[i].head);
        assert_int_equal(f.length, rows[i].frame.length);
        assert_int_equal(f.stream, rows[i].frame.stream);
        assert_int_equal(f.type, rows[i].frame.type);
        assert_int_equal(f.flags, rows[i].frame.flags);
        assert_int_equal(f.reserved, rows[i].frame.reserved);
    }
}

struct rule {
    const char *name;
    uint8_t type, flags;
    bool on_stream, on_connection;
    int32_t right[5], wrong[6]; /* lengths; ANY ends them */
};

static const struct rule rules[] = {
    {"DATA", 0, 0x09, true, false, {0, 1, 16384, ANY}, {ANY}},
    {"HEADERS", 1, 0x2d, true, false, {0, 1, 16384, ANY}, {ANY}},
    {"PRIORITY", 2, 0, true, false, {5, ANY}, {0, 4, 6, 10, ANY}},
    {"RST_STREAM", 3, 0, true, false, {4, ANY}, {0, 3, 5, 8, ANY}},
    {"SETTINGS", 4, 0x01, false, true, {0, 6, 12, 600, ANY}, {1, 5, 7, 13, 16384, ANY}},
    {"PUSH_PROMISE", 5, 0x0c, true, false, {4, 5, 16384, ANY}, {0, 3, ANY}},
    {"PING", 6, 0x01, false, true, {8, ANY}, {0, 7, 9, 16, ANY}},
    {"GOAWAY", 7, 0, false, true, {8, 9, 16384, ANY}, {0, 7, ANY}},
    {"WINDOW_UPDATE", 8, 0, true, true, {4, ANY}, {0, 3, 5, 8, ANY}},
    {"CONTINUATION", 9, 0x04, true, false, {0, 1, 16384, ANY}, {ANY}},
};

static bool right(const struct wst_http2_frame *f)
{
    bool is = !wst_http2_frame_wrong(f);
    if (f->length <= 16384) assert_int_equal(wst_http2_frame_plausible(f, 16384, 1), is);
    return is;
}

static void one_rule(const struct rule *r)
{
    for (size_t i = 0; r->right[i] != ANY; i++)
        for (uint32_t stream = 0; stream < 3; stream++) {
            struct wst_http2_frame f = frame((uint32_t)r->right[i], r->type, 0, stream);
            assert_int_equal(right(&f), stream ? r->on_stream : r->on_connection);
        }
    for (size_t i = 0; r->wrong[i] != ANY; i++)
        for (uint32_t stream = 0; stream < 3; stream++) {
            struct wst_http2_frame f = frame((uint32_t)r->wrong[i], r->type, 0, stream);
            assert_false(right(&f));
        }
}

static void lengths_and_streams(void **state)
{
    (void)state;
    assert_int_equal(ARRAY(rules), WST_HTTP2_TYPES);
    for (size_t i = 0; i < ARRAY(rules); i++) {
        assert_int_equal(rules[i].type, i);
        one_rule(&rules[i]);
    }
}

/* What nobody knows is never wrong, and never what was looked for. */
static void unknown_types(void **state)
{
    (void)state;
    for (unsigned type = WST_HTTP2_TYPES; type < 256; type++) {
        struct wst_http2_frame f = frame(type * 3, (uint8_t)type, 0, type % 2);
        assert_null(wst_http2_frame_wrong(&f));
        assert_false(wst_http2_frame_plausible(&f, 16384, 1));
    }
}

static void plausible_flags(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY(rules); i++)
        for (unsigned flags = 0; flags < 256; flags++) {
            const struct rule *r = &rules[i];
            struct wst_http2_frame f =
                frame((uint32_t)r->right[0], r->type, (uint8_t)flags, r->on_stream);
            assert_int_equal(wst_http2_frame_plausible(&f, 16384, 1), !(flags & ~r->flags));
        }
}

static void plausible_numbers(void **state)
{
    static const struct {
        uint32_t length, stream, length_max, last_client;
        bool is;
    } rows[] = {
        {16384, 1, 16384, 1, true},
        {16385, 1, 16384, 1, false},
        {16385, 1, 20000, 1, true},
        {0xffffff, 1, UINT32_MAX, 1, true},
        {1, WST_HTTP2_AHEAD, 16384, 0, true},
        {1, WST_HTTP2_AHEAD + 1, 16384, 0, false},
        {1, 1001 + WST_HTTP2_AHEAD, 16384, 1001, true},
        {1, 1002 + WST_HTTP2_AHEAD, 16384, 1001, false},
        {1, 0x7fffffff, 16384, 0x7fffffff, true},
        {1, 0x7fffffff, 16384, 0x7fffffff - WST_HTTP2_AHEAD, true},
        {1, 0x7fffffff, 16384, 0x7ffffffe - WST_HTTP2_AHEAD, false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY(rows); i++) {
        struct wst_http2_frame f = frame(rows[i].length, WST_HTTP2_DATA, 0, rows[i].stream);
        assert_int_equal(wst_http2_frame_plausible(&f, rows[i].length_max, rows[i].last_client),
                         rows[i].is);
    }
}

/* A frame without a byte says nothing, but the end of a stream, and that settings were read. */
static void idle(void **state)
{
    static const struct {
        uint32_t length;
        uint8_t type, flags, stream;
        bool is;
    } rows[] = {
        {0, WST_HTTP2_DATA, 0, 1, true},
        {0, WST_HTTP2_DATA, WST_HTTP2_END_STREAM, 1, false},
        {1, WST_HTTP2_DATA, 0, 1, false},
        {0, WST_HTTP2_SETTINGS, 0, 0, true},
        {0, WST_HTTP2_SETTINGS, WST_HTTP2_ACK, 0, false},
        {0, WST_HTTP2_CONTINUATION, 0, 1, true},
        {0, WST_HTTP2_HEADERS, WST_HTTP2_END_STREAM, 1, true},
        {8, WST_HTTP2_PING, WST_HTTP2_ACK, 0, false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY(rows); i++) {
        struct wst_http2_frame f =
            frame(rows[i].length, rows[i].type, rows[i].flags, rows[i].stream);
        assert_int_equal(wst_http2_frame_idle(&f), rows[i].is);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers),           cmocka_unit_test(lengths_and_streams),
        cmocka_unit_test(unknown_types),     cmocka_unit_test(plausible_flags),
        cmocka_unit_test(plausible_numbers), cmocka_unit_test(idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
