"""The server: listeners, the pump between sockets and sessions, start and stop.

* One event loop (uvloop) runs all conversations; nothing here blocks it. The store has its own threads.
* A connection holds no task while the peer is silent: a task begins with the octets that arrive and ends when they
  are answered. An idle connection costs its transport, its machine and its session.
* Octets are taken from a socket only as fast as the session answers, and given only as fast as the peer reads.
* Stopping: no new connections; what is in the middle of a command or a letter may finish (`[limits] stop_seconds`);
  everybody else gets the protocol's farewell; the store closes last.
"""
