# SPDX-License-Identifier: MIT
"""A headless Chromium for tests, driven through chromedriver by the W3C WebDriver protocol.

In:  pages by file name. Out: what a reader would see and do; what the console said.
Standard library only. NotHere: the programs are not installed, or do not start on this machine.
"""
import base64
import json
import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

CHROMIUM = next((p for p in map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome')) if p), None)
PATIENCE = 200  # seconds for one call: a busy machine is no reason to fail
DRIVER = shutil.which('chromedriver')
ELEMENT = 'element-6066-11e4-a52e-4f735466cecf'
# Keys as WebDriver names them.
KEYS = {'Enter': '\ue007', 'Escape': '\ue00c', 'Down': '\ue015', 'Up': '\ue013', 'Left': '\ue012', 'Right': '\ue014',
        'End': '\ue010', 'Home': '\ue011', 'PageDown': '\ue00f', 'Tab': '\ue004'}


class NotHere(Exception):
    pass


class Browser:
    def __init__(self, width=1400, height=900):
        if not CHROMIUM or not DRIVER:
            raise NotHere('no chromium with chromedriver')
        for attempt in (1, 2): # a machine that is busy with other things may take too long once
            try:
                self._start(width, height)
                return
            except (OSError, RuntimeError, NotHere) as error:
                if attempt == 2:
                    raise NotHere(f'{CHROMIUM} does not start ({error})') from None

    def _start(self, width, height):
        self.profile = tempfile.mkdtemp(prefix='wstrace-browser-')
        self.session = None
        # A group of its own, so that no browser outlives the test; a port that the driver finds free.
        self.driver = subprocess.Popen([DRIVER, '--port=0'], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            self.url = f'http://127.0.0.1:{self._port()}'
            options = {'binary': CHROMIUM, 'excludeSwitches': ['hide-scrollbars'], 'args': [
                '--headless=new', '--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--no-first-run',
                f'--user-data-dir={self.profile}', f'--window-size={width},{height}', '--lang=en', '--force-color-profile=srgb']}
            reply = self._call('POST', '/session', {'capabilities': {'alwaysMatch': {
                'browserName': 'chrome',
                'timeouts': {'script': 1000 * PATIENCE, 'pageLoad': 1000 * PATIENCE}, 'goog:chromeOptions': options, 'goog:loggingPrefs': {'browser': 'ALL'}}}})
            self.session = reply['sessionId']
            self.size(width, height)
        except BaseException:
            self.close()
            raise

    def _port(self):
        """'ChromeDriver was started successfully on port 43210.'"""
        said = b''
        while select.select([self.driver.stdout], [], [], 60)[0]:
            more = os.read(self.driver.stdout.fileno(), 4096)
            said += more
            found = re.search(rb'successfully on port (\d+)', said)
            if found:
                return int(found.group(1))
            if not more:
                break
        raise NotHere('chromedriver did not come up')

    def _call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {'Content-Type': 'application/json'}, method=method)
        # No proxy: it is this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=PATIENCE + 20) as reply:
                return json.load(reply)['value']
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)['value']['message'].split('\n')[0]) from None

    def call(self, method, path, body=None):
        return self._call(method, f'/session/{self.session}{path}', body)

    def close(self):
        if self.session:
            try:
                self._call('DELETE', f'/session/{self.session}')
            except (OSError, RuntimeError):
                pass
        try:
            os.killpg(self.driver.pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
        self.driver.wait(60)
        self.driver.stdout.close()
        shutil.rmtree(self.profile, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # -- what a reader does ---------------------------------------------------------------------

    def open(self, path, fragment=''):
        self.call('POST', '/url', {'url': 'about:blank'})
        self.call('POST', '/url', {'url': f'file://{os.path.abspath(path)}{fragment}'})

    def run(self, script, *args):
        """The value of a function body."""
        return self.call('POST', '/execute/sync', {'script': script, 'args': list(args)})

    def find(self, selector):
        return self.call('POST', '/element', {'using': 'css selector', 'value': selector})[ELEMENT]

    def click(self, selector):
        self.call('POST', f'/element/{self.find(selector)}/click', {})

    def type(self, selector, *keys):
        text = ''.join(KEYS.get(k, k) for k in keys)
        self.call('POST', f'/element/{self.find(selector)}/value', {'text': text})

    def press(self, *keys):
        """Keys to whatever has the focus."""
        actions = [a for k in keys for a in ({'type': 'keyDown', 'value': KEYS.get(k, k)}, {'type': 'keyUp', 'value': KEYS.get(k, k)})]
        self.call('POST', '/actions', {'actions': [{'type': 'key', 'id': 'keys', 'actions': actions}]})

    def hover(self, selector):
        self.call('POST', '/actions', {'actions': [{'type': 'pointer', 'id': 'mouse', 'parameters': {'pointerType': 'mouse'}, 'actions': [
            {'type': 'pointerMove', 'duration': 0, 'x': 0, 'y': 0, 'origin': {ELEMENT: self.find(selector)}}]}]})

    def text(self, selector):
        return self.run('return document.querySelector(arguments[0]).innerText', selector)

    def texts(self, selector):
        """Of all that are there and not hidden, from top to bottom (a list reuses its rows)."""
        return self.run('''return [...document.querySelectorAll(arguments[0])].filter((n) => n.offsetParent !== null)
            .sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top).map((n) => n.innerText)''', selector)

    def size(self, width, height):
        """Of the view, not of the window; narrower than a window can be, too."""
        self.command('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1, mobile=False)

    def scheme(self, name):
        self.command('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': name}])

    def command(self, name, **parameters):
        return self.call('POST', '/goog/cdp/execute', {'cmd': name, 'params': parameters})

    def picture(self, path):
        with open(path, 'wb') as file:
            file.write(base64.b64decode(self.call('GET', '/screenshot')))

    def wait(self, script, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.run(script):
                return True
            time.sleep(0.02)
        return False

    def console(self):
        """What the console said since it was last asked: (level, text)."""
        return [(line['level'], line['message']) for line in self.call('POST', '/se/log', {'type': 'browser'})]
