;; SPDX-License-Identifier: MIT
;; Two talks of Emacs with a server, and what was sent and received: "PATH sent|recv OPCODE HEX" in a file.
;; usage: emacs --batch -Q -L FOLDER-OF-WEBSOCKET.EL -l talk.el PORT FILE
(require 'websocket)
(let ((port (pop command-line-args-left)) (file (pop command-line-args-left)))
  (cl-labels
      ((note (path side text)
         (append-to-file (format "%s %s 1 %s\n" path side
                                 (mapconcat (lambda (c) (format "%02x" c)) (encode-coding-string text 'utf-8) ""))
                         nil file))
       (talk (path texts)
         (let* (opened got closed
                (socket (websocket-open (format "ws://127.0.0.1:%s%s" port path)
                                        :on-open (lambda (_) (setq opened t))
                                        :on-message (lambda (_ frame)
                                                      (setq got t)
                                                      (note path "recv" (websocket-frame-text frame)))
                                        :on-close (lambda (_) (setq closed t)))))
           (while (not opened) (accept-process-output nil 0.05))
           (dolist (text texts)
             (setq got nil)
             (note path "sent" text)
             (websocket-send-text socket text)
             (while (not (or got closed)) (accept-process-output nil 0.05)))
           (accept-process-output nil 0.2)
           (unless closed (websocket-close socket))
           (accept-process-output nil 0.2))))
    (talk "/0" (list "Hello from Emacs" "héllo wörld 日本語" (make-string 126 ?x) "!ping" "last"))
    (talk "/1" (list "one" "!close"))))
