"""Writes the alerts of a render as Prometheus itself reads them: chart_alerts.py RENDER >RULES"""

import sys
from pathlib import Path

import yaml

[rules] = [it for it in yaml.safe_load_all(Path(sys.argv[1]).read_text()) if it and it["kind"] == "PrometheusRule"]
yaml.safe_dump(rules["spec"], sys.stdout, sort_keys=False)
