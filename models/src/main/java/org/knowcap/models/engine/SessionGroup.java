package org.knowcap.models.engine;

/**
 * A program compiled once for several runs that train at the same time, each in a session of its own. All of them take a step
 * together: {@link Session#step} waits until every open session has come to its own.
 */
public interface SessionGroup extends AutoCloseable {
  /**
   * A session, with everything in it zero. It belongs to one thread, not the one of another session that is open: that
   * would wait for itself. Closed, it is no longer waited for, and makes room for another.
   *
   * @throws IllegalStateException where as many are open as the group was made for
   */
  Session join();

  /** Ends it, once all of its sessions are closed. */
  @Override
  void close();
}
