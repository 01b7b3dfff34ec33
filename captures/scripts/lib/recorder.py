"""A tcpdump that listens, for the scripts in Python; lab.js has its own."""
import subprocess


def recorder(path, iface, *words):
    # To a file that is open: then it does not matter that tcpdump stops being root before it writes. Told -Z root,
    # to stay, the one that Ubuntu 24.04 came with dies of it (launchpad 2071891).
    with open(path, 'wb') as file:
        process = subprocess.Popen(['tcpdump', '-n', '-U', '--immediate-mode', '-B', '65536', '-i', iface,
                                    '-s', '262144', '-w', '-', *words],
                                   stdout=file, stderr=subprocess.PIPE)
    said = b''
    while b'listening on' not in said:
        line = process.stderr.readline()
        if not line:
            raise OSError(f'tcpdump ended, {process.wait()}: {said.decode(errors="replace").strip()}')
        said += line
    return process
