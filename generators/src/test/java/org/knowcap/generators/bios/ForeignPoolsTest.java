package org.knowcap.generators.bios;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowcap.generators.corpus.AnnotatedItem;
import org.knowcap.generators.corpus.Attribute;
import org.knowcap.generators.corpus.Corpora;
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

  /** "Inc." before "." and the like: the encoding would join them, and the span would lose its end. */
  @Test
  void valuesKeepTheirTokensWhereTheEncodingWouldMergeThem() throws IOException {
    write("city.txt", "Mayagüez, PR\nWashington D.C.\n");
    write("company.txt", "Dow Inc.; Midland, MI\nParamount+; New York, NY\nDisney+; Burbank, CA\n");
    write("template_employer.txt", "{name}'s employer is {value}.\r\n{name} gave {value}, no less.\r\n");
    write("template_birth_city.txt",
        "{name}'s place of birth is {value}.\n{name} is from {value}, I hear.\n");
    BioS corpus = new BioS(300, 1, Pools.in(directory), Templates.in(directory));
    Set<String> employers = new HashSet<>();
    Set<String> told = new HashSet<>();
    for (long item = 0; item < 3000; item++) {
      long person = corpus.person(item);
      AnnotatedItem probe = corpus.annotated(item);
      assertEquals(Corpora.truth(corpus, person), Corpora.read(corpus, probe));
      String text = corpus.vocabulary().decode(probe.tokens(), 1, probe.tokens().length);
      String employer = corpus.values(person).get(Attribute.EMPLOYER);
      employers.add(employer);
      for (String subject : List.of(" He", " She", " " + corpus.values(person).get(Attribute.NAME))) {
        for (String rest : List.of("'s employer is " + employer + ".", " gave " + employer + ", no less.")) {
          if (text.contains(subject + rest)) {
            told.add((subject.length() > 4 ? " name" : subject) + rest);
          }
        }
      }
    }
    assertEquals(Set.of("Dow Inc.", "Paramount+", "Disney+"), employers);
    assertEquals(3 * 3 * 2, told.size(), told.toString());
    // "Inc..", "+.", "Inc.,", "+," and "D.C.,", "D.C..": counted one by one, by what the encoding does.
    assertTrue(corpus.mergingJoints() >= 4, "found " + corpus.mergingJoints());
    assertEquals(0, new BioS(300, 1, Pools.shipped(), Templates.shipped()).mergingJoints());
  }

  @Test
  void faultsNameFileAndLine() throws IOException {
    Path cities = write("city.txt", "Reno, NV\r\n\r\nTulsa, OK\r\n");
    assertFault(cities + ", line 2 is empty");
    write("city.txt", "Reno, NV\nReno, NV\n");
    assertFault(cities + ", line 2 repeats \"Reno, NV\"");
    Files.write(cities, new byte[]{'R', '\n', (byte) 0x80, '\n'});
    assertFault(cities + ", line 2 is not valid UTF-8");
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
