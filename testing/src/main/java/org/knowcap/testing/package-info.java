/** Seeds of random tests: the tests of all modules share them. */
@NullMarked
package org.knowcap.testing;

import org.jspecify.annotations.NullMarked;
