{{- /* What the daemon signs in to relays with, if the Secret is said to have it. */ -}}
{{- define "workcenter.mail.secrets" -}}
{{- with .Values.secretKeys.smtpPassword }}
{{ include "workcenter.secret" (list $ "SMTP_PASSWORD" .) }}
{{- end }}
{{- end -}}

{{- /* Where the files are that mail needs. */ -}}
{{- define "workcenter.mail.settings" -}}
{{- if .Values.secretKeys.smtpCa }}
SMTP_CA_FILE: /etc/workcenter/mail/authorities.pem
{{- end }}
{{- if .Values.secretKeys.dkimKey }}
DKIM_KEY_FILE: /etc/workcenter/mail/dkim.pem
{{- end }}
{{- end -}}

{{- /* The volume with those files; nothing when there are none. */ -}}
{{- define "workcenter.mail.volume" -}}
{{- $keys := .Values.secretKeys -}}
{{- if or $keys.smtpCa $keys.dkimKey -}}
- name: mail
  secret:
    secretName: {{ .Values.existingSecret | quote }}
    defaultMode: 0440
    items:
      {{- with $keys.smtpCa }}
      - {key: {{ . | quote }}, path: authorities.pem}
      {{- end }}
      {{- with $keys.dkimKey }}
      - {key: {{ . | quote }}, path: dkim.pem}
      {{- end }}
{{- end -}}
{{- end -}}

{{- /* Where the daemon has that volume. */ -}}
{{- define "workcenter.mail.mount" -}}
{{- if or .Values.secretKeys.smtpCa .Values.secretKeys.dkimKey -}}
- {name: mail, mountPath: /etc/workcenter/mail, readOnly: true}
{{- end -}}
{{- end -}}
