#!/bin/sh
# DuckDB's JDBC driver executes a statement when it is only prepared, if another one follows it in the same text.
#
# Seen with org.duckdb:duckdb_jdbc 1.4.1.0 on JDK 25. Of a table "kept" with one row,
#     connection.prepareStatement("DELETE FROM kept")             leaves the row where it is, until it is executed
#     connection.prepareStatement("DELETE FROM kept; SELECT 1")   deletes it at once; only "SELECT 1" is prepared
# So a program cannot prepare somebody's text to see whether it is a query, and then refuse it: all statements but the last have been
# executed by then, also if the last has an error. json_serialize_sql(text) looks at a text without executing anything, and has an
# error for whatever is no SELECT.
#
# Needs Maven and a JDK of at least 17. Exit code 0 if this is still so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > pom.xml <<'POM'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId>
  <artifactId>prepare</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.duckdb</groupId>
      <artifactId>duckdb_jdbc</artifactId>
      <version>1.4.1.0</version>
    </dependency>
  </dependencies>
</project>
POM
mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.9.0:copy-dependencies -DoutputDirectory=jars
cat > Prepare.java <<'JAVA'
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

class Prepare {
  public static void main(String[] arguments) throws SQLException {
    look();
    for (String text : new String[]{"DELETE FROM kept", "DELETE FROM kept; SELECT 1", "DELETE FROM kept; SELECT nothing"}) {
      try (Connection connection = DriverManager.getConnection("jdbc:duckdb:");
          Statement statement = connection.createStatement()) {
        statement.execute("CREATE TABLE kept AS SELECT 1 AS row");
        String said = "prepared";
        try (PreparedStatement prepared = connection.prepareStatement(text)) {
          // Closed without having been executed.
        } catch (SQLException e) {
          said = "refused";
        }
        try (ResultSet left = statement.executeQuery("SELECT count(*) FROM kept")) {
          left.next();
          System.out.println(text + ": " + said + ", rows left: " + left.getLong(1));
        }
      }
    }
  }

  private static void look() throws SQLException {
    try (Connection connection = DriverManager.getConnection("jdbc:duckdb:");
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE TABLE kept AS SELECT 1 AS row");
      try (ResultSet seen = statement.executeQuery("SELECT json_serialize_sql('DELETE FROM kept; SELECT 1')->>'error', "
          + "json_serialize_sql('SELECT 1')->>'error', (SELECT count(*) FROM kept)")) {
        seen.next();
        System.out.println("json_serialize_sql: error " + seen.getString(1) + ", of a SELECT " + seen.getString(2)
            + ", rows left: " + seen.getLong(3));
      }
    }
  }
}
JAVA
java --enable-native-access=ALL-UNNAMED -cp 'jars/*' Prepare.java 2> errors | tee seen || { cat errors; exit 1; }
cat > expected <<'SEEN'
json_serialize_sql: error true, of a SELECT false, rows left: 1
DELETE FROM kept: prepared, rows left: 1
DELETE FROM kept; SELECT 1: prepared, rows left: 0
DELETE FROM kept; SELECT nothing: refused, rows left: 0
SEEN
diff expected seen
