/** Expert routing: which tokens get a slot at which expert, and the metrics of that. */
@NullMarked
package org.knowcap.models.engine.routing;

import org.jspecify.annotations.NullMarked;
