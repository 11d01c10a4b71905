package org.knowcap.experiments.cli;

import java.nio.file.Path;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Reads a path from the command line. Refuses texts that a file system accepts but that mean something else to the
 * user, such as {@code s3://...}: nobody wants a folder named {@code s3:}.
 */
final class UserPath implements ITypeConverter<Path> {
  private static final Pattern URI = Pattern.compile("[A-Za-z][A-Za-z0-9+.-]+:/.*");
  private static final Pattern DRIVE = Pattern.compile("[A-Za-z]:\\\\.*|\\\\\\\\.*");

  @Override
  public Path convert(String text) {
    if (text.isBlank()) {
      throw new TypeConversionException("the path is empty; is a variable of your shell not set?");
    }
    if (!text.strip().equals(text) || text.chars().anyMatch(Character::isISOControl)) {
      throw new TypeConversionException("'" + text.replaceAll("\\p{Cntrl}", "?")
          + "' begins or ends with a space, or holds a control character");
    }
    if (URI.matcher(text).matches()) {
      throw new TypeConversionException("'" + text
          + "' is an address; give a path of this machine's files, and copy from or to elsewhere by other means");
    }
    if (text.equals("~") || text.startsWith("~/")) {
      throw new TypeConversionException(
          "'" + text + "' holds a '~' that the shell has not replaced; write it without quotes, or as $HOME");
    }
    if (DRIVE.matcher(text).matches() && !System.getProperty("os.name").startsWith("Windows")) {
      throw new TypeConversionException(
          "'" + text + "' is a path of Windows, but this is " + System.getProperty("os.name"));
    }
    return Path.of(text);
  }
}
