package org.knowcap.models.engine;

/**
 * A program compiled once for several runs that train at the same time, each in a session of its own. All of them
 * take a step together: {@link Session#step} waits until every open session calls it.
 */
public interface SessionGroup extends AutoCloseable {
  /**
   * Opens a session whose buffers are zero. Each open session needs a thread of its own; two sessions on one thread
   * would wait for each other. The others do not wait for a closed session, and its place can be taken by a new one.
   *
   * @throws IllegalStateException if as many sessions are open as the group was made for
   */
  Session join();

  /** Ends the group, once all of its sessions are closed. */
  @Override
  void close();
}
