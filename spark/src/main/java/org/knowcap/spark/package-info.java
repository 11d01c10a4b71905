/**
 * What runs inside Spark's processes: it starts commands as the tasks of a Spark job, and knows nothing else of Knowcap. It is
 * compiled for Java 17, because clusters run Spark on that too.
 */
@NullMarked
package org.knowcap.spark;

import org.jspecify.annotations.NullMarked;
