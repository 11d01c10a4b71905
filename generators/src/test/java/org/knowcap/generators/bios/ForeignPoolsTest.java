package org.knowcap.generators.bios;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.generators.pools.Employer;
import org.knowcap.generators.pools.PoolSizes;
import org.knowcap.generators.pools.Pools;
import org.knowcap.generators.pools.Templates;

/** Lists from a directory, in the layout of PhysicsLM4's fields folder. */
class ForeignPoolsTest {
  @TempDir
  Path directory;

  @Test
  void listsOfTheDirectoryComeBeforeOurs() throws IOException {
    write("city.txt", "Mayagüez, PR\r\nWinston–Salem, NC\r\nWashington D.C.\r\n");
    write("company.txt", "Dow Inc.; Midland, MI\nParamount+; New York, NY");
    write("job.txt", "not of interest\n\n\n");
    Pools pools = Pools.in(directory);
    Pools ours = Pools.shipped();
    assertEquals(List.of("Mayagüez, PR", "Winston–Salem, NC", "Washington D.C."), pools.birthCities());
    assertEquals(List.of(new Employer("Dow Inc.", "Midland, MI"), new Employer("Paramount+", "New York, NY")),
        pools.employers());
    assertEquals(ours.first(), pools.first());
    assertEquals(new PoolSizes(400, 400, 1000, 12, 28, 200, 3, 300, 100, 2), pools.sizes());
    assertEquals(List.of("Mayagüez, PR"),
        pools.cut(new PoolSizes(1, 1, 1, 1, 1, 1, 1, 1, 1, 1)).birthCities());
  }

  @Test
  void faultsNameFileAndLine() throws IOException {
    Path cities = write("city.txt", "Reno, NV\r\n\r\nTulsa, OK\r\n");
    assertFault(cities + ", line 2 is empty");
    write("city.txt", "Reno, NV\nReno, NV\n");
    assertFault(cities + ", line 2 repeats \"Reno, NV\"");
    Files.write(cities, new byte[]{'R', '\n', (byte) 0x80, '\n'});
    assertFault(cities + ", line 2 is not valid UTF-8");
    write("city.txt", "Reno, NV\nTulsa,\u00a0OK\n");
    assertFault(
        cities + ", line 2 must have single spaces, and only between words, found \"Tulsa,\u00a0OK\"");
    write("city.txt", "");
    assertFault(cities + ", line 1 is missing: the list is empty");
    write("city.txt", "Reno, NV\n");
    Path companies = write("company.txt", "Acme; Reno, NV\nAcme, Inc.\n");
    assertFault(companies + ", line 2 must be \"Name; City, ST\", found \"Acme, Inc.\"");
    Files.delete(companies);
    Path majors = write("template_major.txt", "{name} majored in {value}.\n{name} majored in something.\n");
    assertFault(majors + ", line 2 must begin with {name} and hold one {value} after a space, and no other "
        + "braces, found \"{name} majored in something.\"");
    Files.delete(majors);
    Path first = write("first_name.txt", "Ann\nAnn Lee\n");
    Pools.in(directory);
    Path last = write("last_name.txt", "Smith\nDe Witt\n");
    assertFault(first + " and " + last + " have names of several words, but only one list of names may: else "
        + "two people's full names could be the same words");
    Path nowhere = directory.resolve("nowhere");
    assertEquals(nowhere + " is not a directory of lists",
        assertThrows(IllegalArgumentException.class, () -> Pools.in(nowhere)).getMessage());
  }

  @Test
  void aMisspeltListIsNotReplacedByOurs() throws IOException {
    String none = assertThrows(IllegalArgumentException.class, () -> Pools.in(directory)).getMessage();
    assertTrue(none.startsWith(directory + " holds none of the lists first_name.txt"), none);
    write("city.txt", "Reno, NV\n");
    for (String name : List.of("companies.txt", "Company.txt", "first-names.txt", "template_birthcity.txt")) {
      Path misspelt = write(name, "Acme; Reno, NV\n");
      String found = assertThrows(IllegalArgumentException.class, () -> Pools.in(directory)).getMessage();
      assertTrue(found.startsWith(misspelt + " is no list that is read; is it meant to be "), found);
      Files.delete(misspelt);
    }
    Pools.in(directory);
  }

  private void assertFault(String message) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, () -> {
      Pools.in(directory);
      Templates.in(directory);
    }).getMessage());
  }

  private Path write(String name, String text) throws IOException {
    return Files.writeString(directory.resolve(name), text);
  }
}
