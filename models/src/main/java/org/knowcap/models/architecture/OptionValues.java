package org.knowcap.models.architecture;

import java.util.List;
import java.util.function.Supplier;

/**
 * Values of options by their keys, as a study's mapping of a model gives them. Every method checks the type and the
 * range of the value it finds; the complaint names the key, what it found and what is allowed.
 */
public interface OptionValues {
  boolean has(String key);

  /** Whether the key is there and has this text. */
  boolean isText(String key, String text);

  /** The text of a key, or {@code absent} if the key is not there. */
  String text(String key, String absent);

  /** A whole number that must be there. */
  long integer(String key, long least, long most);

  long integer(String key, long least, long most, long absent);

  /** One whole number or a list of different ones, which must be there. */
  List<Long> integers(String key, long least, long most);

  /** A finite number that must be there. */
  double number(String key);

  double number(String key, double absent);

  boolean flag(String key, boolean absent);

  /** One of an enumeration's names, in lower case. */
  <E extends Enum<E>> E choice(String key, Class<E> type, E absent);

  /** Runs a constructor that checks its values; if it complains, the message names the key. */
  <T> T checked(String key, Supplier<T> constructor);

  /** Runs a constructor whose values come from several keys. */
  <T> T checkedAll(Supplier<T> constructor);

  /** A complaint about a text. */
  RuntimeException wrongText(String key, String allowed, String found);
}
