/* SPDX-License-Identifier: MIT
 *
 * Frames, messages, closes: each row run whole, by the byte, in threes, and cut in two at every
 * place. Client frames carry the mask 00000000 where that is easier to read.
 */
#include "room.h"

#define M0 "\0\0\0\0"
#define T5 "\x81\x85" M0 "Hello"

enum terms { PLAIN, DEFLATE, DEFLATE_ANEW, PER_FRAME, UNKNOWN };
enum step_kind {
    STEP_NONE,
    STEP_CLIENT,
    STEP_SERVER,
    STEP_LOST_CLIENT,
    STEP_LOST_SERVER,
    STEP_END
};
struct step {
    enum step_kind kind;
    struct wst_slice bytes;
    uint64_t n;
};
#define C(literal)                     \
    {                                  \
        STEP_CLIENT, SLICE(literal), 0 \
    }
#define S(literal)                     \
    {                                  \
        STEP_SERVER, SLICE(literal), 0 \
    }
#define LOST_C(count)                      \
    {                                      \
        STEP_LOST_CLIENT, {NULL, 0}, count \
    }
#define LOST_S(count)                      \
    {                                      \
        STEP_LOST_SERVER, {NULL, 0}, count \
    }
#define END                    \
    {                          \
        STEP_END, {NULL, 0}, 0 \
    }

struct row {
    const char *name, *log;
    enum terms terms;
    struct step steps[8];
    bool segments; /* where segments begin matters */
};

#define HELLO "<F1 text.fin 5@0 m1 <M1 text \"Hello\""
#define BYE_S          \
    "\x88\x05\x03\xe8" \
    "bye"
#define BYE_C                \
    "\x88\x85" M0 "\x03\xe8" \
    "bye"

static const struct row rows[] = {
    /* RFC 6455 section 5.7 */
    {"5.7: unmasked text", HELLO, PLAIN, {S("\x81\x05Hello")}, false},
    {"5.7: masked text",
     ">F1 text.fin 5@0 m1 >M1 text \"Hello\"",
     PLAIN,
     {C("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58")},
     false},
    {"5.7: fragmented",
     "<F1 text 3@0 m1 <F2 continuation.fin 2@5 m1 <M1 text \"Hello\" x2",
     PLAIN,
     {S("\x01\x03Hel\x80\x02lo")},
     false},
    {"5.7: ping and masked pong",
     "<F1 ping.fin 5@0 \"Hello\" >F2 pong.fin 5@0 \"Hello\"",
     PLAIN,
     {S("\x89\x05Hello"), C("\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58")},
     false},
    /* RFC 7692 section 7.2.3 */
    {"7.2.3.1",
     "<F1 text.fin.rsv1 7@0 m1 <M1 text \"Hello\" z",
     DEFLATE,
     {S("\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\0")},
     false},
    {"7.2.3.1, fragmented",
     "<F1 text.rsv1 3@0 m1 <F2 continuation.fin 4@5 m1 <M1 text \"Hello\" z x2",
     DEFLATE,
     {S("\x41\x03\xf2\x48\xcd\x80\x04\xc9\xc9\x07\0")},
     false},
    {"7.2.3.2, the window shared",
     "<F1 text.fin.rsv1 7@0 m1 <M1 text \"Hello\" z <F2 text.fin.rsv1 5@9 m2 <M2 text \"Hello\" z",
     DEFLATE,
     {S("\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\0\xc1\x05\xf2\0\x11\0\0")},
     false},
    {"7.2.3.2, but no takeover was agreed on",
     "<F1 text.fin.rsv1 7@0 m1 <M1 text \"Hello\" z "
     "<F2 text.fin.rsv1 5@9 m2 <M2 text \"H\" z ? !message.bad-deflate",
     DEFLATE_ANEW,
     {S("\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\0\xc1\x05\xf2\0\x11\0\0")},
     false},
    {"7.2.3.3, a block without compression",
     "<F1 text.fin.rsv1 11@0 m1 <M1 text \"Hello\" z",
     DEFLATE,
     {S("\xc1\x0b\x00\x05\x00\xfa\xffHello\x00")},
     false},
    {"7.2.3.4, BFINAL",
     "<F1 text.fin.rsv1 8@0 m1 <M1 text \"Hello\" z",
     DEFLATE,
     {S("\xc1\x08\xf3\x48\xcd\xc9\xc9\x07\0\0")},
     false},
    {"7.2.3.4, BFINAL without the byte after it",
     "<F1 text.fin.rsv1 7@0 m1 <M1 text \"Hello\" z",
     DEFLATE,
     {S("\xc1\x07\xf3\x48\xcd\xc9\xc9\x07\0")},
     false},
    {"BFINAL, and the next message refers to it",
     "<F1 text.fin.rsv1 8@0 m1 <M1 text \"Hello\" z <F2 text.fin.rsv1 5@10 m2 <M2 text \"Hello\" z",
     DEFLATE,
     {S("\xc1\x08\xf3\x48\xcd\xc9\xc9\x07\0\0\xc1\x05\xf2\0\x11\0\0")},
     false},
    {"BFINAL without the byte after it, and the next message refers to it",
     "<F1 text.fin.rsv1 7@0 m1 <M1 text \"Hello\" z <F2 text.fin.rsv1 5@9 m2 <M2 text \"Hello\" z",
     DEFLATE,
     {S("\xc1\x07\xf3\x48\xcd\xc9\xc9\x07\0\xc1\x05\xf2\0\x11\0\0")},
     false},
    {"7.2.3.5, two blocks",
     "<F1 text.fin.rsv1 13@0 m1 <M1 text \"Hello\" z",
     DEFLATE,
     {S("\xc1\x0d\xf2\x48\x05\0\0\0\xff\xff\xca\xc9\xc9\x07\0")},
     false},
    {"7.2.3.6, the empty message",
     "<F1 text.fin.rsv1 1@0 m1 <M1 text \"\" z",
     DEFLATE,
     {S("\xc1\x01\0")},
     false},
    {"the tail was kept",
     "<F1 text.fin.rsv1 11@0 m1 <M1 text \"Hello\" z <F2 text.fin.rsv1 5@13 m2 "
     "<M2 text \"Hello\" z",
     DEFLATE,
     {S("\xc1\x0b\xf2\x48\xcd\xc9\xc9\x07\0\0\0\xff\xff\xc1\x05\xf2\0\x11\0\0")},
     false},
    {"no bytes at all are no deflate data",
     "<F1 text.fin.rsv1 0@0 m1 <M1 text \"\" z ? !message.bad-deflate",
     DEFLATE,
     {S("\xc1\x00")},
     false},
    {"and take nothing away from those that follow",
     "<F1 text.fin.rsv1 7@0 m1 <M1 text \"Hello\" z "
     "<F2 text.fin.rsv1 0@9 m2 <M2 text \"\" z ? !message.bad-deflate "
     "<F3 text.fin.rsv1 5@11 m3 <M3 text \"Hello\" z ?",
     DEFLATE,
     {S("\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\0\xc1\x00\xc1\x05\xf2\0\x11\0\0")},
     false},
    {"ends inside a block",
     "<F1 text.fin.rsv1 4@0 m1 <M1 text \"Hel\" z ? !message.bad-deflate",
     DEFLATE,
     {S("\xc1\x04\xf2\x48\xcd\xc9")},
     false},
    {"garbage",
     "<F1 text.fin.rsv1 3@0 m1 <M1 text \"\" z ? !message.bad-deflate",
     DEFLATE,
     {S("\xc1\x03\xff\xff\xff")},
     false},
    {"what follows garbage is not certain",
     "<F1 text.fin.rsv1 3@0 m1 <M1 text \"\" z ? !message.bad-deflate "
     "<F2 text.fin.rsv1 7@5 m2 <M2 text \"Hello\" z ?",
     DEFLATE,
     {S("\xc1\x03\xff\xff\xff\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\0")},
     false},
    {"what follows garbage is, without takeover",
     "<F1 text.fin.rsv1 3@0 m1 <M1 text \"\" z ? !message.bad-deflate "
     "<F2 text.fin.rsv1 7@5 m2 <M2 text \"Hello\" z",
     DEFLATE_ANEW,
     {S("\xc1\x03\xff\xff\xff\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\0")},
     false},
    {"compressed and plain",
     "<F1 text.fin 2@0 m1 <M1 text \"hi\" <F2 text.fin.rsv1 7@4 m2 "
     "<M2 text \"Hello\" z <F3 text.fin 2@13 m3 <M3 text \"ho\" <F4 text.fin.rsv1 5@17 m4 "
     "<M4 text \"Hello\" z",
     DEFLATE,
     {S("\x81\x02hi\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\0\x81\x02ho\xc1\x05\xf2\0\x11\0\0")},
     false},
    {"each direction has its own context",
     "<F1 text.fin.rsv1 7@0 m1 <M1 text \"Hello\" z "
     ">F2 text.fin.rsv1 5@0 m2 >M2 text \"H\" z ? !message.bad-deflate",
     DEFLATE,
     {S("\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\0"), C("\xc1\x85" M0 "\xf2\0\x11\0\0")},
     false},
    {"a control frame inside a compressed message",
     "<F1 text.rsv1 3@0 m1 <F2 ping.fin 1@5 \"p\" <F3 continuation.fin 4@8 m1 <M1 text \"Hello\" z "
     "x2",
     DEFLATE,
     {S("\x41\x03\xf2\x48\xcd\x89\x01p\x80\x04\xc9\xc9\x07\0")},
     false},
    {"RSV1 where it does not belong",
     "<F1 text 1@0 m1 <F2 continuation.fin.rsv1 1@3 m1 <M1 text \"ab\" x2 !frame.rsv1-misplaced "
     "<F3 ping.fin.rsv1 0@6 !frame.rsv1-misplaced",
     DEFLATE,
     {S("\x01\x01"
        "a\xc0\x01"
        "b\xc9\0")},
     false},
    {"reserved bits, nothing agreed on",
     "<F1 text.fin.rsv1 1@0 m1 <M1 text \"a\" !frame.rsv <F2 text.fin.rsv2.rsv3 1@3 m2 "
     "<M2 text \"b\" !frame.rsv",
     PLAIN,
     {S("\xc1\x01"
        "a\xb1\x01"
        "b")},
     false},
    {"x-webkit-deflate-frame",
     "<F1 text.rsv1 7@0 m1 <F2 continuation.fin.rsv1 5@9 m1 <M1 text \"HelloHello\" z x2",
     PER_FRAME,
     {S("\x41\x07\xf2\x48\xcd\xc9\xc9\x07\0\xc0\x05\xf2\0\x11\0\0")},
     false},

    {"x-webkit-deflate-frame, each frame as it likes",
     ">F1 text.rsv1 7@0 m1 >F2 continuation 2@13 m1 >F3 continuation.fin.rsv1 5@21 m1 "
     ">M1 text \"Hello, Hello\" z x3",
     PER_FRAME,
     {C("\x41\x87\1\1\1\1\xf3\x49\xcc\xc8\xc8\x06\1\0\x82\2\2\2\2\x2e\x22\xc0\x85\5\6\7\x08\xf7\6"
        "\x16"
        "\x08\5")},
     false},

    /* lengths */
    {"an empty message",
     "<F1 text.fin 0@0 m1 <M1 text \"\" >F2 binary.fin 0@0 m2 >M2 binary \"\"",
     PLAIN,
     {S("\x81\0"), C("\x82\x80" M0)},
     false},
    {"not minimal",
     "<F1 text.fin 1@0 m1 <M1 text \"a\" !frame.length-not-minimal "
     "<F2 text.fin 1@5 m2 <M2 text \"b\" !frame.length-not-minimal",
     PLAIN,
     {S("\x81\x7e\0\1a\x81\x7f\0\0\0\0\0\0\0\1b")},
     false},
    {"the highest bit",
     "<F1 binary.fin 9223372036854775813@0 m1 cut !frame.length-msb "
     "!frame.truncated !close.missing E fin nobody -1",
     PLAIN,
     {S("\x82\x7f\x80\0\0\0\0\0\0\5abc"), END},
     false},
    /* who masks */
    {"an unmasked client",
     ">F1 text.fin.unmasked 1@0 m1 >M1 text \"a\" !frame.unmasked-client",
     PLAIN,
     {C("\x81\x01"
        "a")},
     false},
    {"a masked server",
     "<F1 text.fin.masked 1@0 m1 <M1 text \"a\" !frame.masked-server",
     PLAIN,
     {S("\x81\x81" M0 "a")},
     false},
    /* opcodes */
    {"reserved opcodes",
     "<F1 reserved-3.fin 1@0 \"x\" !frame.reserved-opcode "
     "<F2 reserved-11.fin 0@3 !frame.reserved-opcode",
     PLAIN,
     {S("\x83\x01x\x8b\0")},
     false},
    /* fragments */
    {"control frames between fragments",
     ">F1 text 1@0 m1 >F2 ping.fin 0@7 >F3 continuation 1@13 m1 >F4 pong.fin 1@20 \"p\" "
     ">F5 continuation.fin 1@27 m1 >M1 text \"abc\" x3",
     PLAIN,
     {C("\x01\x81" M0 "a\x89\x80" M0 "\0\x81" M0 "b\x8a\x81" M0 "p\x80\x81" M0 "c")},
     false},
    {"a character across fragments",
     "<F1 text 1@0 m1 <F2 continuation.fin 2@3 m1 <M1 text \"\\e2\\82\\ac\" x2",
     PLAIN,
     {S("\x01\x01\xe2\x80\x02\x82\xac")},
     false},
    {"empty fragments",
     "<F1 text 0@0 m1 <F2 continuation 0@2 m1 <F3 continuation.fin 0@4 m1 "
     "<M1 text \"\" x3",
     PLAIN,
     {S("\x01\0\0\0\x80\0")},
     false},
    {"a new message inside",
     "<F1 text 1@0 m1 <F2 text.fin 1@3 m2 <M2 text \"b\" !frame.new-message-inside "
     "<F3 continuation.fin 1@6 !frame.orphan-continuation",
     PLAIN,
     {S("\x01\x01"
        "a\x81\x01"
        "b\x80\x01"
        "c")},
     false},
    {"a new message in fragments inside",
     "<F1 text 1@0 m1 <F2 binary 1@3 m2 !frame.new-message-inside <F3 continuation.fin 1@6 m2 "
     "<M2 binary \"bc\" x2",
     PLAIN,
     {S("\x01\x01"
        "a\x02\x01"
        "b\x80\x01"
        "c")},
     false},
    {"an orphan",
     "<F1 continuation.fin 1@0 !frame.orphan-continuation "
     "<F2 text.fin 1@3 m1 "
     "<M1 text \"b\"",
     PLAIN,
     {S("\x80\x01"
        "a\x81\x01"
        "b")},
     false},
    {"a fragmented ping",
     "<F1 ping 1@0 \"a\" !frame.control-fragmented",
     PLAIN,
     {S("\x09\x01"
        "a")},
     false},
    {"unfinished",
     "<F1 text 1@0 m1 !message.unfinished !close.missing E fin nobody -1",
     PLAIN,
     {S("\x01\x01"
        "a"),
      END},
     false},
    {"a frame cut by the end",
     "<F1 text.fin 5@0 m1 cut !frame.truncated !close.missing "
     "E fin nobody -1",
     PLAIN,
     {S("\x81\x05Hel"), END},
     false},
    {"a header cut by the end",
     "!frame.truncated !close.missing E fin nobody -1",
     PLAIN,
     {S("\x81\x7e\0"), END},
     false},
    /* UTF-8 */
    {"invalid",
     "<F1 text.fin 3@0 m1 <M1 text \"a\\ffb\" ~ !message.invalid-utf8 F1@3",
     PLAIN,
     {S("\x81\x03"
        "a\xff"
        "b")},
     false},
    {"cut inside a character",
     "<F1 text.fin 3@0 m1 <M1 text \"a\\e2\\82\" ~ "
     "!message.invalid-utf8 F1@4",
     PLAIN,
     {S("\x81\x03"
        "a\xe2\x82")},
     false},
    {"invalid, in the middle one of three fragments",
     "<F1 text 2@0 m1 <F2 continuation 3@4 m1 <F3 continuation.fin 1@9 m1 "
     "<M1 text \"abcd\\ffe\" x3 ~ !message.invalid-utf8 F2@8",
     PLAIN,
     {S("\x01\x02"
        "ab\0\x03"
        "cd\xff\x80\x01"
        "e")},
     false},
    {"in the first one, masked, with a ping behind it",
     ">F1 text 2@0 m1 >F2 ping.fin 0@8 >F3 continuation.fin 1@14 m1 "
     ">M1 text \"a\\ffb\" x2 ~ !message.invalid-utf8 F1@7",
     PLAIN,
     {C("\x01\x82" M0 "a\xff\x89\x80" M0 "\x80\x81" M0 "b")},
     false},
    {"in the last one, of a later message, with a ping before it",
     "<F1 text.fin 1@0 m1 <M1 text \"a\" <F2 text 1@3 m2 <F3 ping.fin 1@6 \"p\" "
     "<F4 continuation.fin 2@9 m2 <M2 text \"bc\\ff\" x2 ~ !message.invalid-utf8 F4@12",
     PLAIN,
     {S("\x81\x01"
        "a\x01\x01"
        "b\x89\x01"
        "p\x80\x02"
        "c\xff")},
     false},
    {"the end is inside a character, and the last fragment is empty",
     "<F1 text 2@0 m1 <F2 continuation 1@4 m1 <F3 continuation.fin 0@7 m1 "
     "<M1 text \"a\\e2\\82\" x3 ~ !message.invalid-utf8 F2@6",
     PLAIN,
     {S("\x01\x02"
        "a\xe2\0\x01\x82\x80\0")},
     false},
    {"binary may be anything",
     "<F1 binary.fin 1@0 m1 <M1 binary \"\\ff\"",
     PLAIN,
     {S("\x82\x01\xff")},
     false},
    {"invalid, compressed",
     "<F1 text.fin.rsv1 7@0 m1 <M1 text \"\\ff\" z ~ !message.invalid-utf8 F1@-1",
     DEFLATE,
     {S("\xc1\x07\0\1\0\xfe\xff\xff\0")},
     false},

    /* closes */
    {"both close",
     "<F1 close.fin 5@0 <C 1000 \"bye\" >F2 close.fin 5@0 >C 1000 \"bye\" "
     "E fin clean server 1000",
     PLAIN,
     {S(BYE_S), C(BYE_C), END},
     false},
    {"an empty close",
     ">F1 close.fin 0@0 >C -1 !close.no-reply E fin client -1",
     PLAIN,
     {C("\x88\x80" M0), END},
     false},
    {"one byte", "<F1 close.fin 1@0 <C -1 !close.one-byte", PLAIN, {S("\x88\x01\x03")}, false},
    {"a code alone", "<F1 close.fin 2@0 <C 1001", PLAIN, {S("\x88\x02\x03\xe9")}, false},
    {"1005 may not be sent",
     "<F1 close.fin 2@0 <C 1005 !close.code-invalid",
     PLAIN,
     {S("\x88\x02\x03\xed")},
     false},
    {"999", "<F1 close.fin 2@0 <C 999 !close.code-invalid", PLAIN, {S("\x88\x02\x03\xe7")}, false},
    {"3000 and 4999",
     "<F1 close.fin 2@0 <C 3000 >F2 close.fin 2@0 >C 4999",
     PLAIN,
     {S("\x88\x02\x0b\xb8"), C("\x88\x82" M0 "\x13\x87")},
     false},
    {"5000",
     "<F1 close.fin 2@0 <C 5000 !close.code-invalid",
     PLAIN,
     {S("\x88\x02\x13\x88")},
     false},
    {"a reason without a code that is like HTTP",
     "<F1 close.fin 7@0 <C 21584 \"/1.ab\" !close.code-invalid",
     PLAIN,
     {S("\x88\x07TP/1.ab")},
     false},
    {"a reason that is no UTF-8",
     "<F1 close.fin 3@0 <C 1000 \"\\ff\" ~ "
     "!close.reason-invalid-utf8",
     PLAIN,
     {S("\x88\x03\x03\xe8\xff")},
     false},
    {"two closes",
     "<F1 close.fin 0@0 <C -1 <F2 close.fin 2@2 <C 1000 !close.second",
     PLAIN,
     {S("\x88\0\x88\x02\x03\xe8")},
     false},
    {"data after close",
     "<F1 close.fin 0@0 <C -1 <F2 text.fin 1@2 m1 <M1 text \"a\" "
     "!frame.after-close",
     PLAIN,
     {S("\x88\0\x81\x01"
        "a")},
     false},
    {"the other side may go on",
     "<F1 close.fin 0@0 <C -1 >F2 text.fin 5@0 m1 >M1 text \"Hello\"",
     PLAIN,
     {S("\x88\0"), C(T5)},
     false},
    {"data after the close frame of a client that masks nothing",
     ">F1 close.fin.unmasked 0@0 >C -1 !frame.unmasked-client >F2 text.fin.unmasked 1@2 m1 "
     ">M1 text \"a\" !frame.unmasked-client !frame.after-close",
     PLAIN,
     {C("\x88\0\x81\1"
        "a")},
     false},
    {"foreign bytes after close",
     "<F1 close.fin 0@0 <C -1 !close.trailing-bytes",
     PLAIN,
     {S("\x88\0\xf0\x0fwhatever"), S("and more of it")},
     false},
    {"HTTP after close",
     "<F1 close.fin 0@0 <C -1 !close.trailing-bytes",
     PLAIN,
     {S("\x88\0HTTP/1.1 200 OK\r\n\r\n")},
     false},
    {"a request whose first bytes are the header of a close frame",
     ">F1 close.rsv1.unmasked 69@0 >C 16708 \" /chat HTTP/1.1\\0d\\0aHost: "
     "example.com\\0d\\0aUser...67\" "
     "!frame.http",
     PLAIN,
     {C("HEAD /chat HTTP/1.1\r\nHost: example.com\r\nUser-Agent: "
        "abcdefghijklmnopqrs\r\n\r\n")},
     false},
    {"a long control frame",
     "<F1 ping.fin 126@0 \"abababababababababababababababababababab...126\" "
     "!frame.control-too-long",
     PLAIN,
     {S("\x89\x7e\0\x7e"
        "ababababababababababababababababababababababababababababababababababab"
        "abababababababababababababababababababababababababababab")},
     false},

    /* bytes that are missing: the gap lies inside a payload, the framing is kept */
    {"inside a text",
     "<G 2@4 <F1 text.fin 6@0 m1 cut <M1 text \"He\" -4 ? !message.incomplete "
     "<F2 text.fin 1@8 m2 <M2 text \"b\"",
     PLAIN,
     {S("\x81\x06He"), LOST_S(2),
      S("o!\x81\x01"
        "b")},
     false},
    {"the whole payload",
     ">G 5@6 >F1 text.fin 5@0 m1 cut >M1 text \"\" -5 ? !message.incomplete "
     ">F2 text.fin 5@11 m2 >M2 text \"Hello\"",
     PLAIN,
     {C("\x81\x85" M0), LOST_C(5), C(T5)},
     false},
    {"up to the frame's end",
     "<G 3@4 <F1 text.fin 5@0 m1 cut <M1 text \"He\" -3 ? "
     "!message.incomplete <F2 text.fin 1@7 m2 <M2 text \"b\"",
     PLAIN,
     {S("\x81\x05He"), LOST_S(3),
      S("\x81\x01"
        "b")},
     false},
    {"twice in one payload",
     "<G 2@3 <G 2@6 <F1 text.fin 6@0 m1 cut <M1 text \"a\" -5 ? "
     "!message.incomplete",
     PLAIN,
     {S("\x81\x06"
        "a"),
      LOST_S(2), S("d"), LOST_S(2)},
     false},
    {"inside a character",
     "<G 1@5 <F1 text.fin 4@0 m1 cut <M1 text \"a\" -3 ? !message.incomplete",
     PLAIN,
     {S("\x81\x04"
        "a\xe2\x82"),
      LOST_S(1)},
     false},
    {"inside a fragment",
     "<F1 text 1@0 m1 <G 1@6 <F2 continuation 2@3 m1 cut "
     "<F3 continuation.fin 1@7 m1 <M1 text \"ab\" x3 -2 ? !message.incomplete",
     PLAIN,
     {S("\x01\x01"
        "a\0\x02"
        "b"),
      LOST_S(1),
      S("\x80\x01"
        "d")},
     false},
    {"inside a ping",
     "<G 1@3 <F1 ping.fin 3@0 \"a\" -2 cut <F2 text.fin 1@5 m1 <M1 text \"b\"",
     PLAIN,
     {S("\x89\x03"
        "a"),
      LOST_S(1),
      S("c\x81\x01"
        "b")},
     false},
    {"inside a close",
     "<G 2@4 <F1 close.fin 4@0 cut <C 1000 -2",
     PLAIN,
     {S("\x88\x04\x03\xe8"), LOST_S(2)},
     false},
    {"inside the code of a close: it closed, nobody knows why, and the other answered",
     "<G 1@3 <F1 close.fin 2@0 cut <C -2 >F2 close.fin 2@0 >C 1000 E fin clean server -2",
     PLAIN,
     {S("\x88\x02\x03"), LOST_S(1), C("\x88\x82" M0 "\x03\xe8"), END},
     false},
    {"before the code of a close, and its reason",
     "<G 9@2 <F1 close.fin 9@0 cut <C -2 -7",
     PLAIN,
     {S("\x88\x09"), LOST_S(9)},
     false},
    {"all of a close that has no code",
     "<G 1@2 <F1 close.fin 1@0 cut <C -1",
     PLAIN,
     {S("\x88\x01"), LOST_S(1)},
     false},
    {"inside the reason of a close: what came before it is right, to its last whole character",
     "<G 3@8 <F1 close.fin 9@0 cut <C 1000 \"a\\c3\\bc\" -4",
     PLAIN,
     {S("\x88\x09\x03\xe8"
        "a\xc3\xbc\xc3"),
      LOST_S(3)},
     false},
    {"inside a compressed message: what came before is right, the context is lost",
     "<G 2@6 <F1 text.fin.rsv1 7@0 m1 cut <M1 text \"Hel\" z ? !message.incomplete "
     "<F2 text.fin.rsv1 5@9 m2 <M2 text \"H\" z -4 ? !message.context-lost",
     DEFLATE,
     {S("\xc1\x07\xf2\x48\xcd\xc9"), LOST_S(2), S("\0\xc1\x05\xf2\0\x11\0\0")},
     false},
    {"the same without takeover",
     "<G 2@6 <F1 text.fin.rsv1 7@0 m1 cut <M1 text \"Hel\" z ? !message.incomplete "
     "<F2 text.fin.rsv1 7@9 m2 <M2 text \"Hello\" z",
     DEFLATE_ANEW,
     {S("\xc1\x07\xf2\x48\xcd\xc9"), LOST_S(2), S("\0\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\0")},
     false},
    {"frames compressed by themselves, and what one refers to is lost",
     "<G 2@6 <F1 text.fin.rsv1 7@0 m1 cut <M1 text \"\" z -2 ? !message.incomplete "
     "<F2 text.fin.rsv1 5@9 m2 <M2 text \"H\" z -4 ? !message.context-lost",
     PER_FRAME,
     {S("\xc1\x07\xf2\x48\xcd\xc9"), LOST_S(2), S("\0\xc1\x05\xf2\0\x11\0\0")},
     false},
    {"the same, in a message of several frames",
     "<G 2@6 <F1 text.fin.rsv1 7@0 m1 cut <M1 text \"\" z -2 ? !message.incomplete "
     "<F2 text.rsv1 5@9 m2 <F3 continuation.fin 1@16 m2 <M2 text \"H\" z x2 -5 ? "
     "!message.context-lost",
     PER_FRAME,
     {S("\xc1\x07\xf2\x48\xcd\xc9"), LOST_S(2), S("\0\x41\x05\xf2\0\x11\0\0\x80\x01!")},
     false},
    {"the answer was not seen: a message that stands alone",
     "<F1 text.fin.rsv1 7@0 m1 <M1 text \"Hello\" z",
     UNKNOWN,
     {S("\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\0")},
     false},
    {"the answer was not seen: what was agreed on may be something else",
     "<F1 text.fin.rsv1 4@0 m1 <M1 text \"\" z -3 ? !message.context-lost",
     UNKNOWN,
     {S("\xc1\x04\xf2\x48\xcd\xc9")},
     false},
    /* the gap swallows a header */
    {"across frames, and found again at the next segment",
     "<G 9@4 <F1 text.fin 5@0 m1 cut <M1 text \"He\" -3 ? !message.incomplete !stream.resync "
     "<F2 text.fin 26@13 m2 <M2 text \"A text of twenty-six bytes\" "
     "<F3 text.fin 13@41 m3 <M3 text \"and then this\"",
     PLAIN,
     {S("\x81\x05He"), LOST_S(9),
      S("\x81\x1a"
        "A text of twenty-six bytes"),
      S("\x81\x0d"
        "and then this")},
     true},
    {"nothing is found again",
     "<F1 text.fin 1@0 m1 <M1 text \"a\" <G 9@3 !stream.lost "
     "E fin nobody -1",
     PLAIN,
     {S("\x81\x01"
        "a"),
      LOST_S(9), S("\xff\xff\xff\xff\xff\xff"), END},
     false},
    {"the gap is the end",
     "<F1 text.fin 1@0 m1 <M1 text \"a\" <G 9@3 "
     "E fin nobody -1",
     PLAIN,
     {S("\x81\x01"
        "a"),
      LOST_S(9), END},
     false},
};

static struct wst_ws_terms terms_of(enum terms t)
{
    struct wst_ws_terms terms = {.per_frame = t == PER_FRAME, .unknown = t == UNKNOWN};
    if (t == DEFLATE || t == DEFLATE_ANEW)
        terms.deflate =
            (struct wst_deflate_terms){true, t == DEFLATE_ANEW, t == DEFLATE_ANEW, 15, 15};
    return terms;
}

static void run(struct room *room, const struct row *r, size_t piece, size_t cut)
{
    size_t at = 0;
    for (const struct step *s = r->steps; s < r->steps + 8 && s->kind; s++) {
        enum wst_dir d = s->kind == STEP_CLIENT || s->kind == STEP_LOST_CLIENT ? WST_C2S : WST_S2C;
        if (s->kind == STEP_END)
            room_end(room);
        else if (s->n)
            room_gap(room, d, s->n);
        for (size_t i = 0; i < s->bytes.n;) {
            size_t n = s->bytes.n - i < piece ? s->bytes.n - i : piece;
            if (at + i < cut && at + i + n > cut) n = cut - at - i;
            room_push(room, d, s->bytes.p + i, n);
            i += n;
        }
        at += s->bytes.n;
    }
}

static unsigned check(const struct row *r, size_t piece, size_t cut)
{
    struct room room = {0};
    struct wst_ws_terms terms = terms_of(r->terms);
    room_open(&room, &terms);
    run(&room, r, piece, cut);
    bool same = strcmp(room.log ? room.log : "", r->log) == 0;
    if (!same)
        print_error("%s (by %zu, cut at %zu):\n  %s, not\n  %s\n", r->name, piece, cut, room.log,
                    r->log);
    room_close(&room);
    return !same;
}

static void table(void **state)
{
    unsigned failed = 0;
    (void)state;
    for (size_t i = 0; i < ARRAY(rows); i++) {
        const struct row *r = &rows[i];
        size_t size = 0, failed_before = failed;
        for (const struct step *s = r->steps; s < r->steps + 8 && s->kind; s++) size += s->bytes.n;
        failed += check(r, SIZE_MAX, SIZE_MAX);
        if (r->segments || failed > failed_before) continue;
        failed += check(r, 1, SIZE_MAX);
        failed += check(r, 3, SIZE_MAX);
        for (size_t cut = 1; cut < size && failed == failed_before; cut++)
            failed += check(r, SIZE_MAX, cut);
    }
    assert_int_equal(failed, 0);
}

static void keep_missing(struct room *r, const struct wst_event *e)
{
    if (e->type != WST_EVENT_PROBLEM || e->problem.problem != WST_PROBLEM_CLOSE_MISSING) return;
    snprintf(r->user, 256, "%s", e->problem.detail);
}

/* Without a close frame: how long nobody had said anything when the first side ended. What goes by
 * until the other one does is no silence of the connection. */
static void silence(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        char detail[256] = "";
        struct wst_ws_terms terms = terms_of(PLAIN);
        struct room r = {0};
        room_open(&r, &terms);
        r.event = keep_missing;
        r.user = detail;
        room_push(&r, WST_C2S, "\x81\x81" M0 "a", 7);
        r.arrival.when.ns += 3000000000;
        for (int k = 0; k < 2; k++) {
            room_arrive(&r);
            wst_ws_fin(&r.ws, &r.env, (enum wst_dir)(first ^ k), &r.arrival);
            r.arrival.when.ns += 5000000000;
        }
        room_end(&r);
        assert_non_null(strstr(detail, " after 3.001 s of silence"));
        room_close(&r);
    }
}

static void keep_pong(struct room *r, const struct wst_event *e)
{
    if (e->type != WST_EVENT_PROBLEM || e->problem.problem != WST_PROBLEM_CONTROL_PONG_UNASKED)
        return;
    snprintf(r->user, 256, "%s", e->problem.detail);
}

/* Which pong answers no ping, and what it would have had to say (section 5.5.3). */
static void pongs(void **state)
{
    static const struct {
        const char *ping, *pong, *words;
    } said[] = {
        {"\x89\x84" M0 "ping", "\x8a\4gong",
         "a pong of 4 bytes, and none of the pings that wait has these"},
        {"\x89\x84" M0 "ping", "\x8a\0",
         "an empty pong, and none of the pings that wait is; the last has 4 bytes, which its "
         "answer "
         "must repeat"},
        {"", "\x8a\4gong", "a pong of 4 bytes, and no ping waits for one"},
        {"", "\x8a\0", "a pong of 0 bytes, and no ping waits for one"},
        {"\x89\x84" M0 "ping", "\x8a\4ping", ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY(said); i++) {
        char detail[256] = "";
        struct wst_ws_terms terms = terms_of(PLAIN);
        struct room r = {0};
        room_open(&r, &terms);
        r.event = keep_pong;
        r.user = detail;
        if (*said[i].ping) room_push(&r, WST_C2S, said[i].ping, 10);
        room_push(&r, WST_S2C, said[i].pong, 2u + (uint8_t)said[i].pong[1]);
        room_end(&r);
        assert_string_equal(detail, said[i].words);
        room_close(&r);
    }
}

static struct wst_ws_place over_quic(void *user, void *conversation, enum wst_dir dir)
{
    (void)user, (void)conversation, (void)dir;
    return (struct wst_ws_place){.later = true};
}

/* Over QUIC the ping may be captured behind its pong, and nothing tells until then. */
static void pongs_early(void **state)
{
    enum { NOTHING, ITS_PING, ANOTHER, GAP, KINDS };
    static const char *const words[KINDS] = {"a pong of 4 bytes, and no ping has these", "",
                                             "a pong of 4 bytes, and no ping has these", ""};
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        char detail[256] = "";
        struct wst_ws_terms terms = terms_of(PLAIN);
        struct room r = {0};
        room_open(&r, &terms);
        r.env.place = over_quic;
        r.event = keep_pong;
        r.user = detail;
        room_push(&r, WST_S2C, "\x8a\4ping", 6);
        assert_string_equal(detail, "");
        if (kind == ITS_PING) room_push(&r, WST_C2S, "\x89\x84" M0 "ping", 10);
        if (kind == ANOTHER) room_push(&r, WST_C2S, "\x89\x84" M0 "gong", 10);
        if (kind == GAP) room_gap(&r, WST_C2S, 10);
        assert_string_equal(detail, "");
        room_end(&r);
        assert_string_equal(detail, words[kind]);
        room_close(&r);
    }
}

/* So many bytes of a payload are missing at most: behind them it goes on for certain, and what
 * looks like frames there is none; those behind its end are found. */
static void at_most(void **state)
{
    enum { LEN = 400, CAME = 10, MOST = 40, LOST = 30, FRAME = 28 };
    (void)state;
    for (int piece = FRAME; piece <= 400; piece += 100) {
        struct wst_ws_terms terms = terms_of(PLAIN);
        struct room r = {0};
        uint8_t payload[LEN];
        room_open(&r, &terms);
        memset(payload, 'z', sizeof payload);
        for (size_t at = 0; at + FRAME + MOST < LEN - CAME - LOST; at += FRAME)
            memcpy(payload + CAME + LOST + at,
                   "\x81\x1a"
                   "A text of twenty-six bytes",
                   FRAME);
        room_push(&r, WST_S2C, "\x82\x7e\x01\x90", 4);
        room_push(&r, WST_S2C, payload, CAME);
        room_arrive(&r);
        wst_ws_gap(&r.ws, &r.env, WST_S2C, MOST, WST_WS_AT_MOST, &r.arrival);
        for (int at = CAME + LOST; at < LEN; at += piece)
            room_push(&r, WST_S2C, payload + at, (size_t)(at + piece < LEN ? piece : LEN - at));
        for (char c = 'a'; c < 'g'; c++) {
            char text[] = "\x81\x1a"
                          "the text # of letters only";
            *strchr(text, '#') = c;
            room_push(&r, WST_S2C, text, FRAME);
        }
        room_end(&r);
        assert_null(strstr(r.log, "twenty-six"));
        assert_non_null(strstr(r.log, "\"the text a of"));
        assert_non_null(strstr(r.log, "\"the text f of"));
        room_close(&r);
    }
}

/* Records of TLS are missing that had no room for a byte: nothing is. */
static void at_most_nothing(void **state)
{
    struct wst_ws_terms terms = terms_of(PLAIN);
    struct room r = {0};
    (void)state;
    room_open(&r, &terms);
    room_push(&r, WST_S2C, "\x81\1a", 3);
    room_arrive(&r);
    wst_ws_gap(&r.ws, &r.env, WST_S2C, 0, WST_WS_AT_MOST, &r.arrival);
    room_end(&r);
    assert_null(strstr(r.log, "<G"));
    assert_int_equal(r.ws.side[WST_S2C].gaps, 0);
    room_close(&r);
}

/* Behind a loss frames were found perhaps where none are: if one of the first 16 is none that a
 * sound server writes, they are sought once more, and nobody is blamed. */
static void probation(void **state)
{
    (void)state;
    for (int sound = 2; sound <= 20; sound++) { /* of one alone nobody is sure */
        struct wst_ws_terms terms = terms_of(PLAIN);
        struct room r = {0};
        char text[] = "\x81\x1a"
                      "the text # of letters only";
        char *letter = strchr(text, '#');
        room_open(&r, &terms);
        room_push(&r, WST_S2C, "\x81\x05He", 4);
        room_gap(&r, WST_S2C, 9);
        for (int i = 0; i < sound + 8; i++) {
            *letter = (char)('a' + i);
            text[0] = i == sound ? '\x83' : '\x81'; /* reserved: RFC 6455 section 5.2 */
            room_push(&r, WST_S2C, text, sizeof text - 1);
        }
        room_end(&r);
        const char *first = strstr(r.log, "!stream.resync");
        assert_non_null(first);
        assert_int_equal(strstr(first + 1, "!stream.resync") != NULL, sound < 16);
        assert_int_equal(strstr(r.log, "!frame.") != NULL, sound >= 16);
        room_close(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),       cmocka_unit_test(silence), cmocka_unit_test(pongs),
        cmocka_unit_test(pongs_early), cmocka_unit_test(at_most), cmocka_unit_test(at_most_nothing),
        cmocka_unit_test(probation)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
