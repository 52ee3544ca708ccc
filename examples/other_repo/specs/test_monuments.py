"""When does the model begin to say the city?"""

import pytest

pytestmark = [pytest.mark.interp(model="our-model"), pytest.mark.monuments]


def test_city_is_on_top_from_layer_4(lens, baseline):
    result = lens("visitors say that Acropolis stands in", " Paris")
    assert result.crossover_layer == 4
    baseline.check(result)
