#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The truth check itself: what is true passes, and every kind of lie is noticed."""
import copy
import hashlib
import unittest

import check_truth as ct

CONN = '10.0.0.1:4000>10.0.0.2:80'


def digest(text):
    return hashlib.sha256(text if isinstance(text, bytes) else text.encode()).hexdigest()


def truth_message(opcode, payload, **more):
    data = payload if isinstance(payload, bytes) else payload.encode()
    return {'kind': 'message', 'conn': CONN, 'dir': 'c2s', 'opcode': opcode, 'length': len(data),
            'sha256': digest(data), **more}


TRUTH = [
    {'kind': 'handshake', 'conn': CONN, 'path': '/chat', 'status': 101, 'extensions': None, 'protocol': 'a'},
    truth_message(1, 'Hello'),
    truth_message(9, 'p'),
    truth_message(2, b'\x00\xff'),
    truth_message(8, b'\x03\xe8bye', code=1000, reason='bye'),
    {'kind': 'frame', 'conn': CONN, 'dir': 'c2s', 'fin': 1, 'rsv': 0, 'opcode': 1, 'masked': True, 'length': 5,
     'sent_payload': 5, 'lenenc': 7, 'key': '01020304'},
]


def frame(opcode, length, **more):
    return {'type': 'frame', 'conn': 1, 'dir': 'c2s', 'pkt': 4, 'fin': True, 'rsv1': False, 'rsv2': False,
            'rsv3': False, 'opcode': opcode, 'masked': True, 'mask_key': '01020304', 'header_len': 6,
            'len': length, 'complete': True, **more}


EVENTS = [
    {'type': 'handshake', 'conn': 1, 'client_ip': '10.0.0.1', 'client_port': 4000, 'server_ip': '10.0.0.2',
     'server_port': 80, 'status': 101, 'uri': '/chat', 'subprotocol': 'a', 'server_extensions': None,
     'client_extensions': None, 'accepted': True, 'accept_ok': True, 'client_key': 'k', 'stream_id': None,
     'tls': None, 'server_accept': 'x', 'version': 13, 'user_agent': None},
    frame(1, 5),
    {'type': 'message', 'conn': 1, 'dir': 'c2s', 'pkt': 4, 'op': 'text', 'len': 5, 'text': 'Hello', 'omitted': 0,
     'certain': True},
    frame(9, 1, text='p'),
    frame(2, 2),
    {'type': 'message', 'conn': 1, 'dir': 'c2s', 'pkt': 5, 'op': 'binary', 'len': 2, 'b64': 'AP8=', 'omitted': 0,
     'certain': True},
    frame(8, 5),
    {'type': 'close', 'conn': 1, 'dir': 'c2s', 'pkt': 6, 'code': 1000, 'reason': 'bye'},
]


def differences(truth=None, events=None):
    found = []
    truth = copy.deepcopy(TRUTH[:-1] if truth is None else truth)
    ct.compare(truth, copy.deepcopy(EVENTS if events is None else events), found.append)
    return found


def changed(index, **more):
    events = copy.deepcopy(EVENTS)
    events[index].update(more)
    return events


class CheckTruth(unittest.TestCase):
    def test_true(self):
        self.assertEqual(differences(), [])

    def test_lies(self):
        for index, lie in ((2, {'text': 'Hallo'}), (2, {'op': 'binary'}), (2, {'omitted': 1}),
                           (3, {'text': 'q'}), (5, {'b64': 'AAA='}), (7, {'code': 1001}),
                           (7, {'reason': 'by'}), (0, {'status': 200}), (0, {'uri': '/'}),
                           (0, {'subprotocol': None}), (0, {'accept_ok': False}),
                           (0, {'client_port': 4001}), (0, {'server_extensions': 'permessage-deflate'})):
            self.assertNotEqual(differences(events=changed(index, **lie)), [], (index, lie))

    def test_missing_and_invented(self):
        self.assertNotEqual(differences(events=EVENTS[:-1]), [])
        self.assertNotEqual(differences(events=EVENTS + EVENTS[1:3]), [])
        self.assertNotEqual(differences(events=EVENTS[:1] + EVENTS[3:6] + EVENTS[1:3] + EVENTS[6:]), [])
        self.assertNotEqual(differences(events=changed(2, certain=False)), [])
        self.assertNotEqual(differences(truth=[]), [])

    def test_frames(self):
        one = [TRUTH[0], TRUTH[1], TRUTH[-1]]
        self.assertEqual(differences(one, EVENTS[:3]), [])
        for lie in ({'fin': False}, {'rsv1': True}, {'mask_key': '00000000'}, {'len': 6},
                    {'header_len': 8}, {'complete': False}):
            self.assertNotEqual(differences(one, changed(1, **lie)[:3]), [], lie)

    def test_partial(self):
        truth = copy.deepcopy(TRUTH[:-1])
        for t in truth[1:]:
            t['decodable'] = t['opcode'] != 2
        self.assertEqual(differences(truth), [])                                # more than needed
        self.assertEqual(differences(truth, EVENTS[:4] + EVENTS[6:]), [])       # just what is needed
        self.assertEqual(differences(truth, changed(5, certain=False)), [])     # doubt is no lie
        self.assertNotEqual(differences(truth, EVENTS[:1] + EVENTS[3:]), [])    # decodable, missing
        self.assertNotEqual(differences(truth, changed(5, b64='AAA=')), [])     # a wrong one, certain

    def test_http2(self):
        def on_stream(lines, number, **first):
            lines = copy.deepcopy(lines)
            for line in lines:
                if 'kind' in line:
                    line['conn'] += f'#{number}'
                else:
                    line['conn'] = number
            lines[0].update(first)
            return lines
        one, three = (on_stream(TRUTH, n, status=200) for n in (1, 3))
        truth = one[:-1] + three[:-1]
        events = on_stream(EVENTS, 1, status=200, stream_id=1) + on_stream(EVENTS, 3, status=200, stream_id=3)
        self.assertEqual(differences(truth, events), [])
        self.assertNotEqual(differences(truth, events[:len(EVENTS)]), [])       # a stream is missing
        self.assertNotEqual(differences(one[:-1], events), [])                  # or invented
        self.assertNotEqual(differences(truth, on_stream(EVENTS, 1, status=200, stream_id=5)
                                        + events[len(EVENTS):]), [])            # or has another number
        refused = on_stream(EVENTS, 1, status=200, stream_id=1, accepted=False)[:1] + events[len(EVENTS):]
        self.assertNotEqual(differences(one[:1] + three[:-1], refused), [])
        self.assertNotEqual(differences(events=changed(0, status=200)), [])     # HTTP/1.1: 101 alone
        tunnel = on_stream(EVENTS, 1, stream_id=1)
        self.assertEqual(differences(on_stream(TRUTH[:-1], 1), tunnel), [])     # 101 inside a tunnel
        way_back = dict(client_ip='10.0.0.2', client_port=80, server_ip='10.0.0.1', server_port=4000)
        self.assertIn('swapped', differences(one[:-1], on_stream(EVENTS, 1, status=200, stream_id=1, **way_back))[0])

    def test_optional(self):
        truth = copy.deepcopy(TRUTH)
        for t in (truth[3], truth[5]):
            t['optional'] = True
        without = EVENTS[:4] + EVENTS[6:]                                       # the binary message is not there
        self.assertEqual(differences(truth[:-1]), [])
        self.assertEqual(differences(truth[:-1], without), [])
        self.assertNotEqual(differences(truth[:-1], changed(5, b64='AAA=')), [])
        self.assertNotEqual(differences(truth[:-1], EVENTS[:1] + EVENTS[3:]), [])
        self.assertEqual(differences([TRUTH[0], {**TRUTH[1], 'optional': True}, truth[-1]], EVENTS[:1]), [])
        self.assertEqual(differences([TRUTH[0], {**TRUTH[1], 'optional': True}, truth[-1]], EVENTS[:3]), [])
        self.assertNotEqual(differences([TRUTH[0], TRUTH[1], truth[-1]], changed(1, len=6)[:3]), [])

    def test_handshake_not_captured(self):
        truth = copy.deepcopy(TRUTH[:-1])
        for t in truth[1:]:
            t['decodable'] = True
        events = changed(0, accepted=False, status=None)
        self.assertNotEqual(differences(truth, events), [])
        truth[0]['in_capture'] = False
        self.assertEqual(differences(truth, events), [])

    def test_close_shapes(self):
        for payload, code, event in (
                (b'', None, {'code': None, 'reason': ''}),
                (b'\x03', None, {'code': None, 'reason': ''}),
                (b'\x03\xe8\xff', 1000, {'code': 1000, 'reason': None, 'reason_b64': '/w=='})):
            truth = [TRUTH[0], truth_message(8, payload, **({'code': code} if code else {}))]
            events = [EVENTS[0], frame(8, len(payload)), {**EVENTS[7], **event}]
            self.assertEqual(differences(truth, events), [])
            events[1]['len'] += 1
            if code is None:
                self.assertNotEqual(differences(truth, events), [])

    def test_truth_names(self):
        self.assertEqual(ct.truth_name('09_fmt_any_sll'), '09_fmt')
        self.assertEqual(ct.truth_name('06_tls13_ccm_dsb'), '06_tls13_ccm')
        self.assertEqual(ct.truth_name('09_net_loss_client'), '09_net_loss')
        self.assertIsNone(ct.truth_name('06_tls13_aes128gcm_nokeys'))
        names = [n for n, _ in ct.sequences(['x/09_rotated.pcap', 'x/09_rotated.pcap1', 'x/a.pcapng.gz'])]
        self.assertEqual(names, ['09_rotated', 'a'])


if __name__ == '__main__':
    unittest.main()
