// SPDX-License-Identifier: MIT
// Jetty 9.4 with permessage-deflate. usage: Jetty server PORT RECORD | Jetty client PORT PATH STEPS
// RECORD The record and the steps are those of peer.hpp.

import java.io.*;
import java.net.*;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.servlet.*;
import org.eclipse.jetty.websocket.api.*;
import org.eclipse.jetty.websocket.api.extensions.*;
import org.eclipse.jetty.websocket.client.*;
import org.eclipse.jetty.websocket.servlet.*;

public class Jetty {
  static PrintWriter file;
  static final BlockingQueue<Boolean> answers = new LinkedBlockingQueue<>();
  static final CountDownLatch over = new CountDownLatch(1);

  static synchronized void record(String conn, String side, int opcode, byte[] payload) {
    StringBuilder hex = new StringBuilder();
    for (byte b : payload) hex.append(String.format("%02x", b));
    file.println(conn + " " + side + " " + opcode + " " + hex);
    file.flush();
  }

  static byte[] bytes(ByteBuffer b) {
    byte[] out = new byte[b.remaining()];
    b.duplicate().get(out);
    return out;
  }

  static byte[] utf8(String s) {
    return s.getBytes(StandardCharsets.UTF_8);
  }

  public static class Endpoint
      implements WebSocketListener, WebSocketPingPongListener, WebSocketFrameListener {
    final boolean client;
    String conn;
    Session session;

    Endpoint(String conn) {
      this.conn = conn;
      client = conn != null;
    }

    public void onWebSocketConnect(Session s) {
      session = s;
      if (!client)
        conn = s.getUpgradeRequest().getRequestURI().getPath();
    }

    void message(int opcode, byte[] payload) {
      record(conn, "recv", opcode, payload);
      if (client) {
        answers.add(true);
        return;
      }
      try {
        if (Arrays.equals(payload, utf8("!leave"))) {
          session.disconnect();
        } else if (Arrays.equals(payload, utf8("!close"))) {
          session.close(4001, "server bye");
        } else {
          send(session, conn, opcode, List.of(payload));
        }
      } catch (IOException e) {
        System.err.println(e);
      }
    }

    public void onWebSocketText(String text) {
      message(1, utf8(text));
    }

    public void onWebSocketBinary(byte[] b, int at, int n) {
      message(2, Arrays.copyOfRange(b, at, at + n));
    }

    public void onWebSocketPing(ByteBuffer b) {
      record(conn, "recv", 9, bytes(b));
    }

    public void onWebSocketPong(ByteBuffer b) {
      record(conn, "recv", 10, bytes(b));
    }

    public void onWebSocketFrame(Frame f) {
      if (f.getOpCode() == 8)
        record(conn, "recv", 8, f.hasPayload() ? bytes(f.getPayload()) : new byte[0]);
    }

    public void onWebSocketClose(int code, String reason) {
      if (client)
        over.countDown();
    }

    public void onWebSocketError(Throwable e) {}
  }

  public static class Servlet extends WebSocketServlet {
    public void configure(WebSocketServletFactory factory) {
      factory.setCreator((request, response) -> new Endpoint(null));
    }
  }

  static void send(Session s, String conn, int opcode, List<byte[]> parts) throws IOException {
    ByteArrayOutputStream whole = new ByteArrayOutputStream();
    for (byte[] part : parts) whole.writeBytes(part);
    record(conn, "sent", opcode, whole.toByteArray());
    RemoteEndpoint peer = s.getRemote();
    for (int i = 0; i < parts.size(); i++) {
      boolean last = i + 1 == parts.size();
      if (opcode == 1)
        peer.sendPartialString(new String(parts.get(i), StandardCharsets.UTF_8), last);
      else
        peer.sendPartialBytes(ByteBuffer.wrap(parts.get(i)), last);
    }
  }

  static void play(Session s, String conn, String steps) throws Exception {
    for (String line : Files.readAllLines(Path.of(steps))) {
      String[] words = line.split(" ", -1);
      List<byte[]> parts = new ArrayList<>();
      for (int i = 1; i < words.length; i++) {
        byte[] part = new byte[words[i].length() / 2];
        for (int j = 0; j < part.length; j++)
          part[j] = (byte) Integer.parseInt(words[i].substring(2 * j, 2 * j + 2), 16);
        parts.add(part);
      }
      switch (words[0]) {
        case "T":
        case "B":
          send(s, conn, words[0].equals("T") ? 1 : 2, parts);
          if (!new String(parts.get(0), StandardCharsets.UTF_8).startsWith("!"))
            answers.poll(3, TimeUnit.SECONDS);
          break;
        case "P":
          record(conn, "sent", 9, parts.get(0));
          s.getRemote().sendPing(ByteBuffer.wrap(parts.get(0)));
          break;
        case "C":
          byte[] c = parts.get(0);
          record(conn, "sent", 8, c);
          int code = (c[0] & 255) << 8 | c[1] & 255;
          s.close(code, new String(c, 2, c.length - 2, StandardCharsets.UTF_8));
          over.await(3, TimeUnit.SECONDS);
          break;
        case "L":
          Runtime.getRuntime().halt(0);
        default:
          over.await(3, TimeUnit.SECONDS);
      }
    }
    Thread.sleep(200); // what is on its way may go
    Runtime.getRuntime().halt(0);
  }

  public static void main(String[] argv) throws Exception {
    System.setProperty("org.eclipse.jetty.util.log.class", "org.eclipse.jetty.util.log.StdErrLog");
    System.setProperty("org.eclipse.jetty.LEVEL", "OFF");
    file = new PrintWriter(new FileWriter(argv[argv.length - 1], true));
    int port = Integer.parseInt(argv[1]);
    if (argv[0].equals("server")) {
      Server server = new Server(new InetSocketAddress("127.0.0.1", port));
      ServletContextHandler handler = new ServletContextHandler();
      handler.addServlet(Servlet.class, "/*");
      server.setHandler(handler);
      server.start();
      System.out.println("ready");
      server.join();
    }
    WebSocketClient client = new WebSocketClient();
    client.start();
    ClientUpgradeRequest request = new ClientUpgradeRequest();
    request.addExtensions(ExtensionConfig.parse("permessage-deflate"));
    URI uri = URI.create("ws://127.0.0.1:" + port + argv[2]);
    play(client.connect(new Endpoint(argv[2]), uri, request).get(), argv[2], argv[3]);
  }
}
