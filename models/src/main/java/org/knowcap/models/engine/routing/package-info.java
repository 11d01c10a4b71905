/** Expert routing: which tokens get a slot at which expert, and what is measured of that. */
package org.knowcap.models.engine.routing;
