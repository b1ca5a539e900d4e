{{- /* Refuses values that are called otherwise now, by both of their names. */ -}}
{{- define "workcenter.renamed" -}}
{{- $renamed := dict "migrations.enabled" "migrations.mode, which is job, initContainer or none" -}}
{{- range $old, $new := $renamed -}}
{{- $at := $.Values -}}
{{- $path := splitList "." $old -}}
{{- range initial $path -}}
{{- $at = index $at . | default dict -}}
{{- end -}}
{{- if hasKey $at (last $path) -}}
{{- fail (printf "%s: is now %s" $old $new) -}}
{{- end -}}
{{- end -}}
{{- end -}}
