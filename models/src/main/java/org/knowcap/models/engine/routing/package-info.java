/** Expert routing: which tokens get a slot at which expert, and what is measured of that. */
@NullMarked
package org.knowcap.models.engine.routing;

import org.jspecify.annotations.NullMarked;
