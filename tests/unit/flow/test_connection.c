/* SPDX-License-Identifier: MIT
 *
 * How connections begin and end, as far as a bystander can tell. rig.h has the language of the
 * rows.
 */
#include "rig.h"

#define OPEN "cS0 sS0,1 c1,1 "

static const struct row begins[] = {
    {"three packets, nothing said", OPEN "$", "(eof)"},
    {"Fast Open: data on the SYN", "cS0=GET sS0,4 s1,4=ok c4,3 $", "c\"GET\" s\"ok\" (eof)"},
    {"Fast Open refused: sent again", "cS0=GET sS0,1 c1,1=GET s1,4 c4,1=! $", "c\"GET!\" (eof)"},
    {"both call at once", "cS0 sS0 cS0,1 sS0,1 c1,1=a s1,2=b $", "c\"a\" s\"b\" (eof)"},
    {"SYN not captured", "sS0,1 c1,1=a s1,2=b $", "c\"a\" s\"b\" (eof)"},
    {"SYN not captured: what is missing shows", "sS0,1 c3,1=c c1,1=ab $", "c\"abc\" (eof)"},
    {"SYN-ACK not captured", "cS0 c1,1 c1,1=a s1,2=b $", "c\"a\" s\"b\" (eof)"},
    {"SYN-ACK not captured: what is missing shows", "cS0 c1,1=a s3,2=c s1,2=ab $",
     "c\"a\" s\"abc\" (eof)"},
    {"SYN-ACK not captured: an acknowledgment overtook what it answers",
     "cS0 c2,3 c1,1=a s1,2=bc s3,2=d $", "c\"a\" s\"bcd\" (eof)"},
    {"SYN-ACK behind the first byte, and that behind its acknowledgment",
     "cS0 c2,3 c1,1=a s1,2=bc sS0,1 s3,2=d $", "c\"a\" s\"bcd\" (eof)"},
    {"SYN-ACK not captured, nor what is acknowledged first", "cS0 c3,3 s5,3=e s3,3=cd $",
     "s\"cde\" c-2 (eof)"},
    {"the connection before it is known there yet",
     "cS0 s-70000,-30000 cR-30000 @1 cS0 sS0,1 c1,1=ab s1,3=c $", "c\"ab\" s\"c\" (eof)"},
    {"… with numbers from far ahead",
     "cS0 s-70000,500000000 cR500000000 @1 cS0 sS0,1 c1,1=ab s1,3=c $", "c\"ab\" s\"c\" (eof)"},
    {"… and here",
     OPEN "c1,1=a @9 cS5000 s1,2 cR2 @1 cS5000 sS9000,5001 c5001,9001=b s9001,5002=x $",
     "c\"a\" (rst) c\"b\" s\"x\" (eof)"},
    {"SYN behind the SYN-ACK", "sS0,1 cS0 c1,1=a $", "c\"a\" (eof)"},
    {"SYN behind the first byte", "c1,1=a cS0 sS0,1 c2,1=b $", "c\"ab\" (eof)"},
    {"SYN sent again", "cS0 cS0 cS0 sS0,1 sS0,1 c1,1=a cS0 c2,1=b $", "c\"ab\" (eof)"},
    {"joined in the middle", "c100,200=ab s200,102=cd c102,202=e $",
     "c\"ab\" s\"cd\" c\"e\" (eof)"},
    {"joined in the middle, a hole later", "c100,200=ab c104,200=e s200,105 $",
     "c\"ab\" c-2 c\"e\" (eof)"},
    {"joined; of one side nothing but ACKs is known", "c100,200=ab c102,205=c $",
     "c\"abc\" s-5 (eof)"},
    {"joined: what was on its way then is missing",
     ONCE "c100,200=ab s205,102=c c102,208 c102,208 c102,208 c102,208 c102,208 s206,102=d $",
     "c\"ab\" s-5 s\"cd\" (eof)"},
    {"joined: … or late", "c100,200=ab s205,102=fg s200,102=abcde $", "c\"ab\" s\"abcdefg\" (eof)"},
    {"joined: … at a FIN", "c100,200=ab sF205,102 $", "c\"ab\" s-5 s. (eof)"},
    {"joined: … and nobody says so any more", "c100,200=ab s300200,102=x $",
     "c\"ab\" s-300000 s\"x\" (eof)"},
    {"joined: … but not where that is farther than anything can be on its way",
     "c100,200=ab s20000200,102=x $", "c\"ab\" s\"x\" (eof)"},
    {"only the client captured", "cS0 c1,1=ask c4,9=more $", "c\"askmore\" s-8 (eof)"},
};

static const struct row ends[] = {
    {"FIN both ways", OPEN "c1,1=a cF2,1 s1,3 sF1,3 c3,2", "c\"a\" c. s. (fin)"},
    {"half-closed: the other side goes on", OPEN "cF1,1 s1,2=ab s3,2=cd sF5,2 c2,6",
     "c. s\"abcd\" s. (fin)"},
    {"FIN with the last byte", OPEN "cF1,1=bye sF1,5=ok", "c\"bye\" c. s\"ok\" s. (fin)"},
    {"FIN before the last byte came", OPEN "cF3,1 sF1,4 c1,1=ab s2,4", "s. c\"ab\" c. (fin)"},
    {"FIN sent again", OPEN "cF1,1 cF1,1 sF1,2 sF1,2 c2,2", "c. s. (fin)"},
    {"FIN not captured, acknowledged: no gap", OPEN "c1,1=a s1,3 sF1,3 c3,2 $", "c\"a\" s. (eof)"},
    {"FIN not captured, with bytes: a gap", OPEN "c1,1=a s1,6 $", "c\"a\" c-4 (eof)"},
    {"bytes behind the end are nobody's", OPEN "cF1,1=a c2,1=XX s1,3=b $",
     "c\"a\" c. c>2 s\"b\" (eof)"},
    {"… told of once", OPEN "cF1,1=a c2,1=XX c4,1=XX $", "c\"a\" c. c>2 (eof)"},
    {"… nor when they came before it", OPEN "c5,1=X cF1,1=a s1,3=b $",
     "c\"a\" c>1 c. s\"b\" (eof)"},
    {"… and a FIN that was early bounds them", OPEN "cF3,1 c1,1=abXX $", "c>2 c\"ab\" c. (eof)"},
    {"… but a keep-alive's byte is no news", OPEN "cF1,1=a c2,1=X $", "c\"a\" c. (eof)"},
    {"FIN from far ahead, then its ACK", OPEN "c1,1=a cF30000001,1 s1,30000002 $",
     "c\"a\" c-29999999 c. (eof)"},
    {"… nobody else captured", "cS0 c1,1=a cF30000001,1 $", "c\"a\" c-29999999 c. (eof)"},
    {"… nobody has it: not the sender's", OPEN "c1,1=a cF30000001,1 s1,2 c2,1=b $",
     "c\"ab\" (eof)"},
    {"RST", OPEN "c1,1=a sR1,2 c2,1=b", "c\"a\" (rst)"},
    {"RST refuses", "cS0 sR0,1", "(rst)"},
    {"RST not far off: what came before it is missing", OPEN "c1,1=a cR60000,1 s1,2=b",
     "c\"a\" c-59998 (rst)"},
    {"RST one number on, as behind a FIN", OPEN "c1,1=a cR3,1", "c\"a\" (rst)"},
    {"RST says what its sender had", OPEN "c1,1=a sR1,9 $", "c\"a\" c-7 (rst)"},
    {"… and that may come yet", ONCE OPEN "c1,1=a sR1,9 c2,1=bcdefgh c9,1=i",
     "c\"abcdefgh\" (rst)"},
    {"… from behind a hole, too", ONCE OPEN "c1,1=a sR1,9 c4,1=defgh c2,1=bc",
     "c\"abcdefgh\" (rst)"},
    {"… for a while", ONCE OPEN "c1,1=a sR1,9 @3 ~ c2,1=bcdefgh", "c\"a\" c-7 (rst)"},
    {"… before another begins", ONCE OPEN "c1,1=a sR1,9 cS9000 sS7000,9001 c9001,7001=b $",
     "c\"a\" c-7 (rst) c\"b\" (eof)"},
    {"… behind an acknowledgment that is hardly the receiver's", ONCE OPEN "c1,1=a s1,9 s1,2 sR1,2",
     "c\"a\" c-7 (rst)"},
    {"RST out of every window", OPEN "c1,1=a cR70000,1 cR-70000,1 c2,1=b $", "c\"ab\" (eof)"},
    {"RST behind a hole that was acknowledged", OPEN "c100001,1=x s1,100002 cR100002,1",
     "c-100000 c\"x\" (rst)"},
    {"RST hands on what waits", OPEN "c3,1=c cR4,1", "c-2 c\"c\" (rst)"},
    {"RST after the end", OPEN "cF1,1 sF1,2 cR2,1 sR2,2", "c. s. (fin)"},
    {"stragglers after the end", OPEN "c1,1=a cF2,1 sF1,3 c1,1=a c2,1=b s1,3=x $",
     "c\"a\" c. s. (fin)"},
};

/* A SYN with another number is another connection in the same place. */
static const struct row again[] = {
    {"after FIN", OPEN "cF1,1=a sF1,3 cS9000 sS7000,9001 c9001,7001=b s7001,9002=c $",
     "c\"a\" c. s. (fin) c\"b\" s\"c\" (eof)"},
    {"after RST", OPEN "c1,1=a cR2,1 cS9000 sS7000,9001 c9001,7001=b $",
     "c\"a\" (rst) c\"b\" (eof)"},
    {"while it is open", OPEN "c1,1=a cS9000 sS7000,9001 c9001,7001=b $",
     "c\"a\" (timeout) c\"b\" (eof)"},
    {"while something waits", OPEN "c3,1=c cS9000 sS7000,9001 c9001,7001=b $",
     "c-2 c\"c\" (timeout) c\"b\" (eof)"},
    {"the server calls", OPEN "c1,1=a cF2,1 sF1,3 sS7000 cS9000,7001 s7001,9001=b $",
     "c\"a\" c. s. (fin) s\"b\" (eof)"},
    {"its SYN not captured", OPEN "cF1,1=a sF1,3 sS7000,9001 c9001,7001=b $",
     "c\"a\" c. s. (fin) c\"b\" (eof)"},
    {"joined in the middle, then a call", "c100,200=ab cS9000 sS7000,9001 c9001,7001=b $",
     "c\"ab\" (timeout) c\"b\" (eof)"},
    {"joined with the answers alone, then a call", "s200,100=ab cS9000 sS7000,9001 c9001,7001=b $",
     "s\"ab\" (timeout) c\"b\" (eof)"},
    {"neither its SYN nor the end before it captured",
     ONCE OPEN "c1,1=a s1,2=x c90000000,80000000=G s80000000,90000001=b $",
     "c\"a\" s\"x\" (timeout) c\"G\" s\"b\" (eof)"},
    {"… far behind", ONCE OPEN "c1,1=a s1,2=x c-90000000,-80000000=G s-80000000,-89999999=b $",
     "c\"a\" s\"x\" (timeout) c\"G\" s\"b\" (eof)"},
    {"… nor does its first acknowledgment say that something is missing",
     ONCE OPEN "c1,1=a s1,2=x c90000000,80000000 @1 ~ c90000000,80000000=G s80000000,90000001=b $",
     "c\"a\" s\"x\" (timeout) c\"G\" s\"b\" (eof)"},
    {"… nobody answers it: it was not its peer's, and the old one goes on",
     ONCE OPEN "c1,1=a s1,2=x c90000000,80000000=G c2,2=b s2,3=y $",
     "c\"a\" s\"x\" c\"b\" s\"y\" c:1 (eof)"},
    {"… nor what is far behind", ONCE OPEN "c1,1=a s1,2=x c-90000000,-80000000=G c2,2=b s2,3=y $",
     "c\"a\" s\"x\" c\"b\" s\"y\" c:1 (eof)"},
    {"… nor from the server", ONCE OPEN "c1,1=a s1,2=x s80000000,90000000=G c2,2=b s2,3=y $",
     "c\"a\" s\"x\" c\"b\" s\"y\" s:1 (eof)"},
    {"… the answer is captured first, and the call in two",
     ONCE OPEN "c1,1=a s1,2=x s80000000,90000002=G c90000000,80000000=G c90000001,80000000=b $",
     "c\"a\" s\"x\" (timeout) s\"G\" c\"Gb\" (eof)"},
    {"… the call is in two before the answer",
     ONCE OPEN "c1,1=a s1,2=x c90000000,80000000=G c90000001,80000000=b s80000000,90000002=x $",
     "c\"a\" s\"x\" (timeout) c\"Gb\" s\"x\" (eof)"},
    {"… told of once, however many there are",
     ONCE OPEN "c1,1=a s1,2=x c90000000,80000000=G c-90000000,80000000=GG c2,2=b $",
     "c\"a\" s\"x\" c\"b\" c:3 (eof)"},
    {"… nor does an answer to something else help it",
     ONCE OPEN "c1,1=a s1,2=x c90000000,80000000=G s80000000,2=y s2,2=z $",
     "c\"a\" s\"xz\" s?1 c:1 (eof)"},
    {"… the last byte of the call is in it",
     ONCE OPEN "c1,1=a s1,2=x cF90000000,80000000=G s80000000,90000002=b $",
     "c\"a\" s\"x\" (timeout) c\"G\" c. s\"b\" (eof)"},
    {"… an acknowledgment is answer enough",
     ONCE OPEN "c1,1=a s1,2=x c90000000,80000000=G s80000000,90000001 s80000000,90000001=b $",
     "c\"a\" s\"x\" (timeout) c\"G\" s\"b\" (eof)"},
    {"… the other side is where it was", ONCE OPEN "c1,1=a s1,2=x c90000000,2=G $",
     "c\"a\" s\"x\" c?1 (eof)"},
    {"the SYN was not its peer's, and it goes on", OPEN "c1,1=a cS90000000 s1,2 c2,1=b s1,3=x $",
     "c\"ab\" s\"x\" (eof)"},
    {"… nor was one from far behind", OPEN "c1,1=a cS-90000000 c2,1=b s1,3=x $",
     "c\"ab\" s\"x\" (eof)"},
    {"… nor those from near by", OPEN "c1,1=a cS9000 cS70000 cS2 c2,1=b s1,3=x $",
     "c\"ab\" s\"x\" (eof)"},
    {"… nor one with a byte", OPEN "c1,1=a cS9000=G c2,1=b s1,3=x $", "c\"ab\" s\"x\" c:1 (eof)"},
    {"… which its bytes take up, nor is a reset of its own the answer to that",
     OPEN "c1,1=a cS3=GGGG c2,1=bcd sR1,5", "c\"abcd\" c:4 (rst)"},
    {"… nor what begins far off, before the first byte",
     ONCE OPEN "c90000000,80000000=G c1,1=a s1,2=x $", "c\"a\" s\"x\" c:1 (eof)"},
    {"… nor a SYN-ACK", OPEN "c1,1=a sS90000000,70 c2,1=b s1,3=x $", "c\"ab\" s\"x\" (eof)"},
    {"… nor a SYN-ACK with a right number", OPEN "c1,1=a sS9000,2 c2,1=b s1,3=x $",
     "c\"ab\" s\"x\" (eof)"},
    {"… nor before the first byte", OPEN "cS90000000 c1,1=a s1,2=x $", "c\"a\" s\"x\" (eof)"},
    {"… nor where the SYN was not captured", "sS0,1 c1,1 sS9000,77 c1,1=a s1,2=x $",
     "c\"a\" s\"x\" (eof)"},
    {"… nor its answer", "cS0 c1,1 sS9000,3 c1,1=a s1,2=x $", "c\"a\" s\"x\" (eof)"},
    {"… nor while only the client is captured", "cS0 c1,1=a cS9000 c2,1=b $", "c\"ab\" (eof)"},
    {"… nor the server", "sS0,1 s1,1=a sS9000,77 s2,1=b $", "s\"ab\" (eof)"},
    {"… nor joined in the middle", "c100,200=ab s200,102=x cS9000 c102,201=c $",
     "c\"ab\" s\"x\" c\"c\" (eof)"},
    {"… nor with bytes behind it, which nobody answers",
     ONCE OPEN "c1,1=a s1,2=x cS90000000 c90000001,7 c90000001,7=b c2,2=c $",
     "c\"a\" s\"x\" c\"c\" c:1 (eof)"},
    {"… and its end counts", OPEN "c1,1=a cS90000000 cF2,1 sF1,3 c3,2 $", "c\"a\" c. s. (fin)"},
    {"a call while it is open, only the client captured", "cS0 c1,1=a cS9000 c9001,7001=b $",
     "c\"a\" (timeout) c\"b\" (eof)"},
    {"… only the server", "sS0,1 s1,1=a sS9000,7001 s9001,7001=b $",
     "s\"a\" (timeout) s\"b\" (eof)"},
    {"… its answer not captured",
     ONCE OPEN "c1,1=a cS90000000 c90000001,7001 c90000001,7001=b s7001,90000002=x $",
     "c\"a\" (timeout) c\"b\" s\"x\" (eof)"},
    {"… nor is it far", ONCE OPEN "c1,1=a s1,2=y cS9000 c9001,7001 c9001,7001=b s7001,9002=x $",
     "c\"a\" s\"y\" (timeout) c\"b\" s\"x\" (eof)"},
    {"… the SYN not captured", OPEN "c1,1=a sS7000,9001 c9001,7001=b s7001,9002=x $",
     "c\"a\" (timeout) c\"b\" s\"x\" (eof)"},
    {"… sent again", OPEN "c1,1=a cS9000 @1 cS9000 @2 cS9000 sS7000,9001 c9001,7001=b $",
     "c\"a\" (timeout) c\"b\" (eof)"},
    {"… again with another number", OPEN "c1,1=a cS9000 @1 cS19000 sS7000,19001 c19001,7001=b $",
     "c\"a\" (timeout) c\"b\" (eof)"},
    {"… with a stranger's SYN between it and its answer",
     OPEN "c1,1=a cS9000 cS90000000 sS7000,9001 c9001,7001=b s7001,9002=x $",
     "c\"a\" (timeout) c\"b\" s\"x\" (eof)"},
    {"… refused", OPEN "c1,1=a cS9000 sR0,9001 $", "c\"a\" (timeout) (rst)"},
    {"… never answered", OPEN "c1,1=a cS9000#1 @1 cS9000#2 @2 cS9000#3 $", "c\"a\" c%3 (eof)"},
    {"… where what was there goes on, and the server challenges",
     OPEN "c1,1=a s1,2 cS9000#1 s1,2 @1 cS9000#2 s1,2 @2 cS9000#3 s1,2 $", "c\"a\" (eof)"},
    {"… or the client does", OPEN "c1,1=a cS9000#1 @1 cS9000#2 @2 c2,1=b $", "c\"ab\" (eof)"},
    {"… once is hardly enough to say so, nor are copies",
     OPEN "c1,1=a cS9000#1 @1 cS9000#1 cS9000#1 $", "c\"a\" (eof)"},
    {"… nor with another number",
     OPEN "c1,1=a cS9000#1 @1 cS9000#2 @9 cS19000#3 @1 cS19000#4 @2 cS19000#5 $",
     "c\"a\" c%2 c%3 (eof)"},
    {"… not of a SYN right before what comes next", ONCE "cS0 c1,1=a cS1 c2,5=b c3,9=c $",
     "c\"abc\" s-8 (eof)"},
    {"… with a byte", OPEN "c1,1=a cS9000=G sS7000,9002 s7001,9002=x $",
     "c\"a\" (timeout) c\"G\" s\"x\" (eof)"},
    {"… of both at once",
     OPEN "c1,1=a cS9000 sS7000 cS9000,7001 sS7000,9001 c9001,7001=b s7001,9002=x $",
     "c\"a\" (timeout) c\"b\" s\"x\" (eof)"},
    {"… before the first byte", OPEN "cS9000 sS7000,9001 c9001,7001=b $", "(timeout) c\"b\" (eof)"},
};

/* A connection that ended goes on, or another one is there whose SYN was not captured. */
#define ENDED OPEN "c1,1=a cF2,1 sF1,3 c3,2 "
static const struct row renewed[] = {
    {"in a usual distance", ENDED "c60000000,1000000000=b s1000000000,60000001=c $",
     "c\"a\" c. s. (fin) c\"b\" s\"c\" (eof)"},
    {"far behind", ENDED "c-60000000,-70000000=b s-70000000,-59999999=c $",
     "c\"a\" c. s. (fin) c\"b\" s\"c\" (eof)"},
    {"right behind the end", ENDED "c9,1=b $", "c\"a\" c. s. (fin) c=0 c-7 c\"b\" (eof)"},
    {"… by another connection", ENDED "c9,9=G s9,10=c $", "c\"a\" c. s. (fin) c\"G\" s\"c\" (eof)"},
    {"… too far for a gap", ENDED "c2000000,1=b $", "c\"a\" c. s. (fin) c=0 c\"b\" (eof)"},
    {"FINs that nobody sent: nothing is missing", ENDED "c2,1=bc s1,4=d c4,2=e $",
     "c\"a\" c. s. (fin) c=0 c\"bc\" s\"d\" c\"e\" (eof)"},
    {"not a byte in the place of the FIN", ENDED "c2,2=b c1,2=a s2,3 s2,3=c $",
     "c\"a\" c. s. (fin)"},
    {"nor a bare acknowledgment", ENDED "c90000000,90000000 s5,5 $", "c\"a\" c. s. (fin)"},
    {"after RST", OPEN "c1,1=a cR2,1 c60000000,90000000=b s90000000,60000001=c $",
     "c\"a\" (rst) c\"b\" s\"c\" (eof)"},
    {"RST that nobody believed: what is missing shows",
     ONCE OPEN "c1,1=a cR2,1 c2,1=b s1,3 c3,1=c s1,4 c4,1=d s1,5 c5,1=e s1,6 $",
     "c\"a\" (rst) c+0 c-2 c\"de\" (eof)"},
    {"… another begins near", ONCE OPEN "c1,1=a cR2,1 c70000,80000=G s80000,70001=b $",
     "c\"a\" (rst) c\"G\" s\"b\" (eof)"},
    {"… too far for a gap",
     ONCE OPEN
     "c1,1=a cR2,1 c2000000,3000000=b s3000000,2000001 c2000001,3000000=c c2000002,3000000=d $",
     "c\"a\" (rst) c+0 c\"d\" (eof)"},
    {"… nor its own side", ONCE OPEN "c1,1=a cR60002,1 c2,1=b s1,3 s1,3=x c3,2=c $",
     "c\"a\" c-60000 (rst)"},
    {"… the receiver's", ONCE OPEN "c1,1=a sR1,2 c2,1=b s1,3 c3,1=c s1,4 c4,1=d s1,5 s1,5=e c5,2 $",
     "c\"a\" (rst) s+0 s\"e\" c-3 (eof)"},
    {"… told by the numbers of the only side captured", "1x cS0 c1,1=a cR2,1 c2,9 c2,18 c2,27=b $",
     "c\"a\" (rst) c+0 c\"b\" s-26 (eof)"},
    {"one acknowledgment behind the reset, however often",
     ONCE OPEN "c1,1=a cR2,1 c2,1=b s1,3 s1,3 s1,3 s1,3 s1,3 $", "c\"a\" (rst)"},
    {"in flight when the reset came", OPEN "c1,1=a sR1,2 c2,1=b c3,1=c c4,1=d c5,1=e $",
     "c\"a\" (rst)"},
    {"late when the reset came", OPEN "c1,1=a s1,3 cR4,1 c2,1=b c3,1=c s1,4 s1,4 c1,1=a $",
     "c\"a\" c-2 (rst)"},
    {"an answer to the SYN that came behind the reset", "cS0 c1,1=a cR2 sS0,1 s1,2=b c2,2 $",
     "c\"a\" (rst)"},
    {"resets upon resets", OPEN "c1,1=a sR1,2 c2,1=b sR1,3 c3,1=c sR1,4 c4,1=d sR1,5 $",
     "c\"a\" (rst)"},
};

/* Nobody wants the bytes of the flow from its first on; of another in its place he may. */
static const struct row unwanted[] = {
    {"a SYN", OPEN "c1,1=a s1,2=x cS9000 sS7000,9001 c9001,7001=b $",
     "c\"a\" (timeout) c\"b\" (eof)"},
    {"no SYN captured, while it is open",
     ONCE OPEN "c1,1=a s1,2=x @5 ~ c90000000,80000000=G s80000000,90000001=b $",
     "c\"a\" (timeout) c\"G\" (eof)"},
    {"… joined in the middle", ONCE "c1,1=a s1,2=x c90000000,80000000=G s80000000,90000001=b $",
     "c\"a\" (timeout) c\"G\" (eof)"},
    {"… nobody answers", ONCE OPEN "c1,1=a s1,2=x @5 ~ c90000000,80000000=G c2,2=b s2,3=y $",
     "c\"a\" (eof)"},
    {"… only one side captured", "cS0 c1,1=a @5 ~ c90000000,80000000=G $",
     "c\"a\" (timeout) c\"G\" (eof)"},
    {"… it begins nothing",
     ONCE OPEN "c1,1=a s1,2=x @5 ~ c90000000,80000000=b s80000000,90000001=c $", "c\"a\" (eof)"},
    {"so far it got by itself, and nothing begins",
     ONCE OPEN "c1,1=a s1,2=x @5 ~ c2,2=b+15000000 s2,15000000=y+15000000 "
               "@5 ~ c15000000,15000000=c+15000000 s15000000,30000000=z+15000000 "
               "@5 ~ c30000000,30000000=G s30000000,30000001=b $",
     "c\"a\" (eof)"},
    {"no SYN captured, after RST", OPEN "c1,1=a cR2,1 c90000000,80000000=G $",
     "c\"a\" (rst) c\"G\" (eof)"},
    {"… nor is it far", OPEN "c1,1=a cR2,1 c70000,80000=G $", "c\"a\" (rst) c\"G\" (eof)"},
    {"after FIN", OPEN "c1,1=a cF2,1 sF1,3 c90000000,80000000=G $", "c\"a\" (fin) c\"G\" (eof)"},
    {"stragglers after RST", OPEN "c1,1=a cR2,1 c1,1=G s1,2=G $", "c\"a\" (rst)"},
};

static void test_begins(void **state)
{
    struct rig like;
    (void)state;
    rig_init(&like);
    RIG_ROWS(begins, &like);
}
static void test_ends(void **state)
{
    struct rig like;
    (void)state;
    rig_init(&like);
    like.limits.reorder_packets = 50;
    RIG_ROWS(ends, &like);
}
static void test_again(void **state)
{
    struct rig like;
    (void)state;
    rig_init(&like);
    RIG_ROWS(again, &like);
}

static void test_unwanted(void **state)
{
    struct rig like;
    (void)state;
    rig_init(&like);
    like.ignore_at = "d";
    RIG_ROWS(unwanted, &like);
}

static void test_renewed(void **state)
{
    struct rig like;
    (void)state;
    rig_init(&like);
    like.limits.reorder_packets = 50;
    RIG_ROWS(renewed, &like);
}

/* Each conversation has a number of its own, also in the same place. */
static void test_numbers(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r);
    rig_open(&r);
    rig_run(&r, OPEN "cF1,1=a sF1,3 cS9000");
    assert_int_equal(wst_flow_streams(r.table), 2);
    r.client++;
    rig_run(&r, "c5,5=x");
    assert_int_equal(wst_flow_streams(r.table), 3);
    rig_run(&r, "cS9000 cS9000"); /* a SYN has its number before it is answered */
    assert_int_equal(wst_flow_streams(r.table), 4);
    r.client++;
    rig_run(&r, "cS0");
    assert_int_equal(wst_flow_last(r.table)->stream, 4);
    r.client--;
    rig_run(&r, "sS7000,9001");
    assert_int_equal(wst_flow_last(r.table)->stream, 3);
    assert_int_equal(wst_flow_streams(r.table), 5);
    const uint32_t before = wst_flow_streams(r.table);
    r.client += 2;
    rig_run(&r, "cS0=a cR2 sS0,2"); /* the answer, late, acknowledges what came with the SYN */
    assert_int_equal(wst_flow_streams(r.table), before + 1);
    rig_close(&r);
}

/* A SYN that waits keeps its number when what was there ends meanwhile. */
static void test_numbers_kept(void **state)
{
    static const char *const rows[] = {
        OPEN "c1,1=a cS9000 s1,2 cR2 cS9000 sS7000,9001 c9001,7001=b",
        OPEN "c1,1=a cS9000 cF2,1 sF1,3 sS7000,9001 c9001,7001=b",
        OPEN "c1,1=a cS9000 cF2,1 sF1,3 cS9000 sS7000,9001 c9001,7001=b",
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rig r;
        rig_init(&r);
        rig_open(&r);
        rig_run(&r, rows[i]);
        assert_int_equal(wst_flow_last(r.table)->stream, 1);
        assert_int_equal(wst_flow_streams(r.table), 2);
        rig_run(&r, "cF9002,7001 sF7001,9003 cS20000"); /* and gives it up */
        assert_int_equal(wst_flow_last(r.table)->stream, 2);
        rig_close(&r);
    }
}

/* Is the first byte that is delivered the first there was? Behind a SYN it is. One into an open
 * connection need not be its peer's: where there is no memory to wait for its answer, that, or its
 * first byte, says that it was. */
static void test_witnessed(void **state)
{
    static const struct {
        const char *script;
        bool witnessed;
    } rows[] = {
        {"cS0", true},
        {"cS0 sS0,1", true},
        {"sS0,1", true},
        {"c5,5=a", false},
        {OPEN "c1,1=a cS9000", false},
        {OPEN "c1,1=a cS9000 sS7000,9001", true},
        {OPEN "c1,1=a cS9000 sS7000,9500", false},
        {OPEN "c1,1=a cS9000 c9001=b", true},
        {OPEN "c1,1=a cS9000 c9002=b", false},
        {OPEN "c1,1=a cS9000000 c2,1=b", false},
        {OPEN "cF1,1=a sF1,3 cS9000", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rig r;
        rig_init(&r);
        r.budget.max = 64 << 10;
        rig_open(&r);
        rig_run(&r, rows[i].script);
        if (wst_flow_last(r.table)->witnessed != rows[i].witnessed)
            fail_msg("%s: witnessed should be %d", rows[i].script, rows[i].witnessed);
        rig_close(&r);
    }
}

/* What is in another domain, over another IP, or from another port is another conversation. */
static void test_apart(void **state)
{
    static const uint8_t a[16] = {1}, b[16] = {2};
    struct wst_segment s = {.src = a,
                            .dst = b,
                            .family = 4,
                            .src_port = 1,
                            .dst_port = 2,
                            .seq = 1,
                            .payload_len = 1,
                            .payload = {a, 1}};
    struct rig r;
    (void)state;
    rig_init(&r);
    rig_open(&r);
    rig_push(&r, &s);
    s.domain = 1, rig_push(&r, &s);
    s.family = 6, rig_push(&r, &s);
    s.domain = 0, rig_push(&r, &s);
    s.dst_port = 3, rig_push(&r, &s);
    assert_int_equal(wst_flow_streams(r.table), 5);
    s = (struct wst_segment){
        .src = b, .dst = a, .family = 4, .src_port = 2, .dst_port = 1, .flags = WST_TCP_FLAG_ACK};
    rig_push(&r, &s); /* the other direction of the first */
    assert_int_equal(wst_flow_streams(r.table), 5);
    s.src = a, s.src_port = 2; /* one address with itself, as on loopback */
    rig_push(&r, &s);
    s.src_port = 1, s.dst_port = 2;
    rig_push(&r, &s);
    assert_int_equal(wst_flow_streams(r.table), 6);
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_begins),       cmocka_unit_test(test_ends),
        cmocka_unit_test(test_again),        cmocka_unit_test(test_renewed),
        cmocka_unit_test(test_unwanted),     cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_numbers_kept), cmocka_unit_test(test_witnessed),
        cmocka_unit_test(test_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
