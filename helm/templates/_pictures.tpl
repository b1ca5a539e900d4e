{{- /* The volume with the folder of pictures, which server and daemon share; nothing when pictures are in a bucket. */ -}}
{{- define "workcenter.pictures.volume" -}}
{{- if not .Values.settings.shared.blobUrl -}}
- name: pictures
  {{- if .Values.pictures.temporary }}
  emptyDir: {}
  {{- else }}
  persistentVolumeClaim:
    claimName: {{ include "workcenter.picturesClaim" . | quote }}
  {{- end }}
{{- end -}}
{{- end -}}

{{- /* Where a container has that volume. */ -}}
{{- define "workcenter.pictures.mount" -}}
{{- if not .Values.settings.shared.blobUrl -}}
- {name: pictures, mountPath: /var/lib/workcenter/pictures}
{{- end -}}
{{- end -}}
