/** What the tests of all modules share. */
@NullMarked
package org.knowcap.testing;

import org.jspecify.annotations.NullMarked;
